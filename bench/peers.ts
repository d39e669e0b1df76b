/** Other runtimes, which are measured in processes of their own. They come from the npm registry. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, 'build/peers');
const modules = join(folder, 'node_modules');

interface Peer {
  readonly title: string;
  /** The npm package, and the program in it. */
  readonly package: string;
  readonly program: string;
  readonly options: readonly string[];
}

export const peers = {
  bun: { title: 'Bun JSCallback', package: 'bun', program: 'bun/bin/bun.exe', options: [] },
  deno: {
    title: 'Deno UnsafeCallback',
    package: 'deno',
    program: `@deno/linux-${process.arch}-glibc/deno`,
    options: ['run', '--allow-all', '--unstable-ffi'],
  },
  'node-ffi': {
    title: 'node:ffi',
    package: `node-linux-${process.arch}@26`,
    program: `node-linux-${process.arch}/bin/node`,
    options: ['--experimental-ffi', '--no-warnings'],
  },
} as const satisfies Readonly<Record<string, Peer>>;

export type PeerName = keyof typeof peers;
export const peerNames = Object.keys(peers) as PeerName[];

/** Installs what is not there. Returns why a peer cannot be measured, or nothing. */
export function providePeer(name: PeerName): string | undefined {
  const { package: wanted, program } = peers[name];
  const path = join(modules, program);
  if (!existsSync(path)) {
    mkdirSync(folder, { recursive: true });
    // All of them: npm takes away what it is not told.
    const list = peerNames.map((other) => peers[other].package);
    spawnSync('npm', ['install', '--silent', '--no-save', '--prefix', folder, ...list], { stdio: 'ignore' });
  }
  if (!existsSync(path)) return `npm has no ${wanted} for this system`;
  const { status, stderr } = spawnSync(path, ['--version'], { encoding: 'utf8' });
  return status === 0 ? undefined : `it does not run: ${stderr.trim().split('\n')[0]}`;
}

/** Runs the script of a peer, which prints JSON. */
export function runPeer(name: PeerName, library: string): { readonly call: number; readonly make: number } {
  const { program, options } = peers[name];
  return JSON.parse(output(join(modules, program), [...options, script(name), library])) as never;
}

/** Runs a script with this Node. */
export function runHere(name: string, args: readonly string[]): unknown {
  return JSON.parse(output(process.execPath, [script(name), ...args]));
}

const script = (name: string): string => join(root, 'bench/peers', `${name}.mjs`);

function output(program: string, args: readonly string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
}
