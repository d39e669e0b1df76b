/** Sizes of this package and others on disk. */
import { execFileSync } from 'node:child_process';
import { lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Figure, Row } from './harness.js';
import { library, missing } from './native.js';
import { root } from './paths.js';
import { missingRuntime, type RuntimeName, runtimes } from './peers.js';

const group = 'Size on disk';
const modules = join(root, 'node_modules');

export function sizes(): Row[] {
  const koffi = [join(modules, 'koffi'), join(modules, `@koromix/koffi-linux-${process.arch}`)];
  return [
    row('trampfd', 'trampfd', packageSize()),
    row('koffi', 'koffi', bytesOf(koffi), 'koffi'),
    ...(['libffi', 'libffcall'] as const).map((name) =>
      missing(name) === undefined
        ? row(name, `${name}, a shared library`, bytesOf(librariesOf(name)), name)
        : { id: `start.size-${name}`, title: name, vendor: name, group, missing: missing(name)! },
    ),
    ...(['node-26', 'bun', 'deno'] as const).map((name) => ofRuntime(name)),
  ];
}

/** Returns the unpacked size of the npm package. */
function packageSize(): number {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const text = execFileSync('npm', args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return (JSON.parse(text) as { unpackedSize: number }[])[0]!.unpackedSize;
}

function ofRuntime(name: Exclude<RuntimeName, 'node'>): Row {
  const { title, program } = runtimes[name];
  const reason = missingRuntime(name);
  const rowTitle = `${title}, a whole runtime`;
  return reason === undefined
    ? row(name, rowTitle, bytesOf([realpathSync(program)]), title)
    : { id: `start.size-${name}`, title: rowTitle, vendor: title, group, missing: reason };
}

/** Returns the shared libraries that a C library is linked with, without libc. */
function librariesOf(name: 'libffi' | 'libffcall'): string[] {
  const linked = execFileSync('ldd', [library(name)], { encoding: 'utf8' });
  return [...linked.matchAll(/^\s*lib(?!c\.)\S+ => (\S+)/gm)].map(([, path]) => realpathSync(path!));
}

function row(name: string, title: string, bytes: number, vendor?: string): Figure {
  const figure: Figure = { id: `start.size-${name}`, title, group, unit: 'MB', samples: [bytes / 1e6] };
  return vendor === undefined ? figure : { ...figure, vendor };
}

/** Sums up the sizes of files, and of all files in folders. */
function bytesOf(paths: readonly string[]): number {
  return paths.reduce((sum, path) => {
    if (!lstatSync(path).isDirectory()) return sum + statSync(path).size;
    return sum + bytesOf(readdirSync(path).map((name) => join(path, name)));
  }, 0);
}
