/** Runs programs under restrictions, as this user and, if this is root, as an ordinary user. */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { mdweState } from '#src/linux/features.js';
import { errnoName } from '#src/native/errno.js';
import { ownErrors } from './child.js';
import { needs } from './needs.js';

const script = fileURLToPath(new URL('../launcher/restrict.child.js', import.meta.url));

export interface User {
  readonly name: string;
  /** For `spawn`. */
  readonly ids: { readonly uid?: number; readonly gid?: number };
  /** The reason if this user cannot set restrictions, for a test's `skip`. */
  readonly skip: false | string;
}

const root = process.getuid?.() === 0;
const ordinaryIds = { uid: 65534, gid: 65534 };

export const users: readonly User[] = [
  { name: root ? 'root' : 'this user', ids: {}, skip: needsNamespaces({}) },
  ...(root ? [{ name: 'an ordinary user', ids: ordinaryIds, skip: needsNamespaces(ordinaryIds) }] : []),
];

function needsNamespaces(ids: User['ids']): false | string {
  const missing = needs('seccomp', 'PR_SET_MDWE', 'mount_setattr');
  if (missing !== false) return missing;
  if (mdweState() === true) return 'runs under MDWE itself';
  const flags = process.getuid?.() === 0 && ids.uid === undefined ? '-m' : '-Um';
  if (spawnSync('unshare', [flags, 'true'], { ...ids }).status !== 0) return 'needs a mount namespace';
  const readable = spawnSync(process.execPath, ['--check', script], { ...ids });
  return readable.status !== 0 && 'that user cannot read this folder';
}

/** The reason if this package cannot run while temporary folders are noexec, for a test's `skip`. */
export const outsideTemporary =
  /^\/(tmp|var\/tmp|dev\/shm)\//.test(script) && 'this checkout is in a temporary folder';

export interface RunOptions {
  readonly ids?: User['ids'];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** A command that runs the others, with its arguments. */
  readonly by?: readonly string[];
}

export function runRestricted(
  names: string,
  [program, ...args]: readonly [string, ...string[]],
  { ids = {}, cwd, env = {}, by = [] }: RunOptions = {},
): SpawnSyncReturns<string> {
  const [command, ...rest] = [...by, process.execPath, script, names, program, ...args];
  const result = spawnSync(command!, rest, {
    ...ids,
    cwd,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    timeout: 60_000,
  });
  return { ...result, stderr: ownErrors(result.stderr) };
}

/** Parses the output of C programs: `ok` or an errno name for each attempt. */
export function answers(stdout: string): Record<string, string> {
  const found = [...stdout.matchAll(/^(.+): (ok|\d+)$/gm)].map(
    ([, name, answer]) => [name!, answer === 'ok' ? 'ok' : errnoName(Number(answer))] as const,
  );
  return Object.fromEntries(found);
}
