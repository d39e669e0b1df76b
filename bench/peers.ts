/** Other runtimes and libraries, measured in processes of their own by the scripts of `peers/`. */
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Contender, measureTogether, type Unavailable } from './harness.js';
import { library, missing } from './native.js';
import { root } from './paths.js';

const folder = join(root, 'bench/peers');
const modules = join(folder, 'node_modules');

/** A process that runs longer hangs: the slowest takes some seconds. */
const timeoutMs = 300_000;

/** Bun's name of this architecture. */
const bunArchitecture = process.arch === 'arm64' ? 'aarch64' : process.arch;

export interface Runtime {
  readonly title: string;
  readonly program: string;
  readonly options: readonly string[];
}

export const runtimes = {
  node: { title: `Node ${process.versions.node.split('.')[0]}`, program: process.execPath, options: [] },
  'node-26': {
    title: 'Node 26',
    program: join(modules, `node-linux-${process.arch}/bin/node`),
    options: ['--experimental-ffi', '--no-warnings'],
  },
  bun: {
    title: 'Bun',
    program: join(modules, `@oven/bun-linux-${bunArchitecture}/bin/bun`),
    options: [],
  },
  deno: {
    title: 'Deno',
    program: join(modules, `@deno/linux-${process.arch}-glibc/deno`),
    options: ['run', '--allow-all'],
  },
} as const satisfies Readonly<Record<string, Runtime>>;

export type RuntimeName = keyof typeof runtimes;

/** FFI libraries: each has a script of the same name in `peers/ffi/`, for one runtime. */
export const peers = {
  trampfd: { title: 'trampfd', runtime: 'node' },
  koffi: { title: 'koffi', runtime: 'node' },
  napi: { title: 'N-API addon in C', runtime: 'node' },
  'node-ffi': { title: 'node:ffi', runtime: 'node-26' },
  bun: { title: 'Bun', runtime: 'bun' },
  deno: { title: 'Deno', runtime: 'deno' },
} as const satisfies Readonly<Record<string, { title: string; runtime: RuntimeName }>>;

export type PeerName = keyof typeof peers;
export const peerNames = Object.keys(peers) as PeerName[];

/** Installs the packages of `peers/package.json`, unless they are up to date. */
export function installPeers(): void {
  if (modifiedAt('package-lock.json') < modifiedAt('node_modules/.package-lock.json')) return;
  console.log('Installing other runtimes from the npm registry, into bench/peers/node_modules');
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) console.log('npm ci failed. Rows that need these runtimes are skipped.');
}

function modifiedAt(file: string): number {
  return statSync(join(folder, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Returns the reason if a runtime cannot be measured. */
export function missingRuntime(name: RuntimeName): string | undefined {
  const { program } = runtimes[name];
  if (!existsSync(program)) return 'not installed: npm has none for this system, or was not reached';
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0
    ? undefined
    : 'does not run here';
}

/** Returns the reason if a runtime cannot be measured or `attempt` throws. */
export function failureReason(name: RuntimeName, attempt: () => void): string | undefined {
  const reason = missingRuntime(name);
  if (reason !== undefined) return reason;
  try {
    attempt();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Runs a script of `peers/` for a peer. Returns its result, or the reason why it cannot run. */
export function tryPeer(
  name: PeerName,
  script: string,
  ...args: readonly string[]
): Record<string, number> | string {
  let result: Record<string, number> = {};
  const noAddon = name === 'napi' ? missing('addon') : undefined;
  const reason =
    noAddon ??
    failureReason(peers[name].runtime, () => {
      result = runPeer(name, script, ...args);
    });
  return reason ?? result;
}

/**
 * Returns the rows of all peers, whose scripts return several figures by key.
 * @param subject the name of the script, and the first part of the ids
 */
export function peerRows(
  subject: string,
  { groups, ownTitle }: { groups: Readonly<Record<string, string>>; ownTitle: string },
): { contenders: Contender[]; unavailable: Unavailable[] } {
  const contenders: Contender[] = [];
  const unavailable: Unavailable[] = [];
  for (const name of peerNames) {
    const result = tryPeer(name, subject);
    const take = measureTogether(() => runPeer(name, subject));
    for (const [key, group] of Object.entries(groups)) {
      const title = name === 'trampfd' ? ownTitle : peers[name].title;
      const row = { id: `${subject}.${name}-${key}`, title, group, ...vendorOf(name) };
      const missing = typeof result === 'string' ? result : key in result ? undefined : 'cannot do this';
      if (missing === undefined) contenders.push({ ...row, unit: 'ns', round: () => take(key) });
      else unavailable.push({ ...row, missing });
    }
  }
  return { contenders, unavailable };
}

/** Returns the vendor of a peer's rows; this project's have none. */
export function vendorOf(name: PeerName): { readonly vendor?: string } {
  return name === 'trampfd' ? {} : { vendor: peers[name].title };
}

/** Runs a script of `peers/` for a peer. Returns its result. */
export function runPeer(name: PeerName, script: string, ...args: readonly string[]): Record<string, number> {
  return runScript(peers[name].runtime, script, name, library(name === 'napi' ? 'addon' : 'calls'), ...args);
}

/** Runs a script of `peers/`. Returns its result. */
export function runScript(
  name: RuntimeName,
  script: string,
  ...args: readonly string[]
): Record<string, number> {
  return JSON.parse(runIn(name, [join(folder, `${script}.mjs`), ...args])) as Record<string, number>;
}

/** Runs a script in a runtime. Returns its output. */
export function runIn(name: RuntimeName, args: readonly string[]): string {
  const { program, options } = runtimes[name];
  const { status, stdout, stderr, signal } = spawnSync(program, [...options, ...args], {
    encoding: 'utf8',
    cwd: root,
    env: { ...process.env, NO_COLOR: '1' },
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  if (status === 0) return stdout;
  const reason = /^\S*Error: .*|^error: .*/m.exec(stderr)?.[0] ?? signal ?? `status ${status}`;
  throw new Error(reason);
}
