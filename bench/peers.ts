/** Other runtimes and libraries, which are measured in processes of their own, by the scripts of `peers/`. */
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Absent, type Contender, together } from './harness.js';
import { library, missing, root } from './native.js';

const folder = join(root, 'bench/peers');
const modules = join(folder, 'node_modules');

/** Milliseconds after which a process hangs: the slowest takes some seconds. */
const patience = 300_000;

/** What Bun calls this machine. */
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

/** The ways between JavaScript and C: a script of `peers/ffi/`, and the runtime that it is for. */
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

/** Installs what `peers/package.json` names, unless it is there, and says what became of it. */
export function providePeers(): void {
  if (changed('package-lock.json') < changed('node_modules/.package-lock.json')) return;
  console.log('Installing other runtimes from the npm registry, into bench/peers/node_modules');
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) console.log('That failed. What needs them is skipped.');
}

function changed(file: string): number {
  return statSync(join(folder, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Why a runtime cannot be measured, if so. */
export function missingRuntime(name: RuntimeName): string | undefined {
  const { program } = runtimes[name];
  if (!existsSync(program)) return 'not installed: npm has none for this system, or was not reached';
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0
    ? undefined
    : 'does not run here';
}

/** Why a runtime cannot be measured, or not with this, if so. */
export function refusal(name: RuntimeName, attempted: () => void): string | undefined {
  const why = missingRuntime(name);
  if (why !== undefined) return why;
  try {
    attempted();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** What a script of `peers/` says for a peer, or why it cannot be run. */
export function attempt(
  name: PeerName,
  script: string,
  ...args: readonly string[]
): Record<string, number> | string {
  let told: Record<string, number> = {};
  const noAddon = name === 'napi' ? missing('addon') : undefined;
  const why =
    noAddon ??
    refusal(peers[name].runtime, () => {
      told = askPeer(name, script, ...args);
    });
  return why ?? told;
}

/**
 * Rows that every peer's script answers at once, under keys.
 * @param subject the script, and what the rows' names begin with
 */
export function peerRows(
  subject: string,
  { groups, own }: { groups: Readonly<Record<string, string>>; own: string },
): { contenders: Contender[]; absent: Absent[] } {
  const contenders: Contender[] = [];
  const absent: Absent[] = [];
  for (const name of peerNames) {
    const told = attempt(name, subject);
    const take = together(() => askPeer(name, subject));
    for (const [key, group] of Object.entries(groups)) {
      const title = name === 'trampfd' ? own : peers[name].title;
      const row = { id: `${subject}.${name}-${key}`, title, group, ...by(name) };
      const missing = typeof told === 'string' ? told : key in told ? undefined : 'cannot do this';
      if (missing === undefined) contenders.push({ ...row, unit: 'ns', round: () => take(key) });
      else absent.push({ ...row, missing });
    }
  }
  return { contenders, absent };
}

/** Who a peer's rows are by, as the harness wants it: this project's say nothing. */
export function by(name: PeerName): { readonly by?: string } {
  return name === 'trampfd' ? {} : { by: peers[name].title };
}

/** Runs a script of `peers/` for a peer, and gives what it says. */
export function askPeer(name: PeerName, script: string, ...args: readonly string[]): Record<string, number> {
  return ask(peers[name].runtime, script, name, library(name === 'napi' ? 'addon' : 'calls'), ...args);
}

/** Runs a script of `peers/`, and gives what it says. */
export function ask(name: RuntimeName, script: string, ...args: readonly string[]): Record<string, number> {
  return JSON.parse(runIn(name, [join(folder, `${script}.mjs`), ...args])) as Record<string, number>;
}

/** Runs a script in a runtime. Returns its output. */
export function runIn(name: RuntimeName, args: readonly string[]): string {
  const { program, options } = runtimes[name];
  const { status, stdout, stderr, signal } = spawnSync(program, [...options, ...args], {
    encoding: 'utf8',
    cwd: root,
    env: { ...process.env, NO_COLOR: '1' },
    timeout: patience,
    killSignal: 'SIGKILL',
  });
  if (status === 0) return stdout;
  const reason = /^\S*Error: .*|^error: .*/m.exec(stderr)?.[0] ?? signal ?? `status ${status}`;
  throw new Error(reason);
}

/** Loads a module that only the benchmark needs. */
export async function loadModule(name: string): Promise<unknown> {
  return import(createRequire(join(folder, 'package.json')).resolve(name));
}
