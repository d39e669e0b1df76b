/** Runs programs under restrictions, as this user and, where this is root, as an ordinary one. */
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
  /** Why it can do nothing here, for a test's `skip`. */
  readonly skip: false | string;
}

const root = process.getuid?.() === 0;
const nobody = { uid: 65534, gid: 65534 };

export const users: readonly User[] = [
  { name: root ? 'root' : 'this user', ids: {}, skip: needsNamespaces({}) },
  ...(root ? [{ name: 'an ordinary user', ids: nobody, skip: needsNamespaces(nobody) }] : []),
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

/** Why nothing of this package runs where the temporary folders are noexec, for a test's `skip`. */
export const outsideTemporary =
  /^\/(tmp|var\/tmp|dev\/shm)\//.test(script) && 'this checkout lies in a temporary folder';

export interface RunOptions {
  readonly ids?: User['ids'];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** A command before the whole, with its arguments. */
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

/** What the C programs tell of their attempts: `ok` or the name of an error, by name. */
export function answers(stdout: string): Record<string, string> {
  const found = [...stdout.matchAll(/^(.+): (ok|\d+)$/gm)].map(
    ([, name, answer]) => [name!, answer === 'ok' ? 'ok' : errnoName(Number(answer))] as const,
  );
  return Object.fromEntries(found);
}
