/** Runs scripts of the tests under restrictions, by way of the launcher. */
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { launch } from '#src/launcher/launcher.js';
import type { SyscallArgument, SyscallRequest } from '#src/launcher/syscall-script.js';
import { mountOf } from '#src/linux/fs/mounts.js';
import { type ErrnoRule, SECCOMP_SET_MODE_FILTER, seccompFilter } from '#src/linux/seccomp/seccomp.js';
import type { SystemCallName } from '#src/machine/index.js';
import { hostMachine } from '#src/native/host.js';
import { ownErrors } from './child.js';

const root = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

const PR_SET_NO_NEW_PRIVS = 38;
const [MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND] = [2, 4, 32, 4096];
const ENOSYS = 38;

export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a script of the tests (`*.child.js`) when some system calls have been made for it.
 * @param script its path below `test/`, without `.child.js`
 */
export async function runUnder(
  setupSyscalls: readonly SyscallRequest[],
  script: string,
  { args = [], env = {} }: { args?: readonly string[]; env?: Record<string, string> } = {},
): Promise<Ended> {
  const path = fileURLToPath(new URL(`../${script}.child.js`, import.meta.url));
  const { process: child, started } = launch(process.execPath, [path, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    setupSyscalls,
  });
  const end = new Promise<Pick<Ended, 'status' | 'signal'>>((resolve) => {
    child.on('exit', (status, signal) => resolve({ status, signal }));
  });
  const output = Promise.all([text(child.stdout!), text(child.stderr!)]);
  await started;
  const [stdout, stderr] = await output;
  return { ...(await end), stdout, stderr: ownErrors(stderr) };
}

/** A filter that refuses system calls, on top of what the system refuses by itself. */
export function filter(refusals: readonly ErrnoRule[]): SyscallRequest[] {
  const program = seccompFilter(hostMachine(), refusals, ENOSYS);
  return [
    call('prctl', PR_SET_NO_NEW_PRIVS, 1),
    call('seccomp', SECCOMP_SET_MODE_FILTER, 0, { words: [program.length / 8, program] }),
  ];
}

/**
 * Lets programs be mapped from a checkout in a temporary folder where that is noexec. Other options of its mount
 * stay: in a user namespace they are locked.
 */
export function exceptCheckout(): SyscallRequest[] {
  if (!/^\/(tmp|var\/tmp|dev\/shm)\//.test(root)) return [];
  const { options } = mountOf(root)!;
  const flags = (options.includes('nosuid') ? MS_NOSUID : 0) | (options.includes('nodev') ? MS_NODEV : 0);
  return [
    call('mount', root, root, 0, MS_BIND, 0),
    call('mount', 'none', root, 0, MS_REMOUNT | MS_BIND | flags, 0),
  ];
}

function call(name: SystemCallName, ...given: SyscallArgument[]): SyscallRequest {
  const number = hostMachine().linux.systemCalls[name];
  return { name, number, arguments: given, attempt: 'prepare a test' };
}
