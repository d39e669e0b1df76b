/** The place that this package and others take on the disk. */
import { execFileSync } from 'node:child_process';
import { lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Figure, Row } from './harness.js';
import { library, missing, root } from './native.js';
import { missingRuntime, type RuntimeName, runtimes } from './peers.js';

const group = 'On the disk';
const modules = join(root, 'node_modules');

export function sizes(): Row[] {
  const koffi = [join(modules, 'koffi'), join(modules, `@koromix/koffi-linux-${process.arch}`)];
  const own = packageSize();
  return [
    row('trampfd', 'trampfd', own),
    row('with-dependencies', 'trampfd and what it depends on', own + bytesOf(koffi)),
    row('koffi', 'koffi', bytesOf(koffi), 'koffi'),
    ...(['libffi', 'libffcall'] as const).map((name) =>
      missing(name) === undefined
        ? row(name, `${name}, a shared library`, bytesOf(librariesOf(name)), name)
        : { id: `start.size-${name}`, title: name, by: name, group, missing: missing(name)! },
    ),
    ...(['node-26', 'bun', 'deno'] as const).map((name) => ofRuntime(name)),
  ];
}

/** What npm would put on another's disk. */
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
  const why = missingRuntime(name);
  const named = `${title}, a whole runtime`;
  return why === undefined
    ? row(name, named, bytesOf([realpathSync(program)]), title)
    : { id: `start.size-${name}`, title: named, by: title, group, missing: why };
}

/** The shared libraries that a library of the C side is linked with, less those of every program. */
function librariesOf(name: 'libffi' | 'libffcall'): string[] {
  const linked = execFileSync('ldd', [library(name)], { encoding: 'utf8' });
  return [...linked.matchAll(/^\s*lib(?!c\.)\S+ => (\S+)/gm)].map(([, path]) => realpathSync(path!));
}

function row(name: string, title: string, bytes: number, by?: string): Figure {
  const figure: Figure = { id: `start.size-${name}`, title, group, unit: 'MB', samples: [bytes / 1e6] };
  return by === undefined ? figure : { ...figure, by };
}

/** Of files, and of all files in folders. */
function bytesOf(paths: readonly string[]): number {
  return paths.reduce((sum, path) => {
    if (!lstatSync(path).isDirectory()) return sum + statSync(path).size;
    return sum + bytesOf(readdirSync(path).map((name) => join(path, name)));
  }, 0);
}
