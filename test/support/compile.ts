/** Compiles the C programs and libraries of `test/programs`, if their sources have changed. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const sources = join(root, 'test/programs');
const output = join(root, 'build/programs', process.arch);
const include = join(root, 'include');

/** Compiles a shared library. Returns its path. */
export function compileLibrary(
  name: string,
  files: readonly string[],
  flags: readonly string[] = [],
): string {
  return compile(`${name}.so`, files, ['-shared', '-fPIC', '-pthread', ...flags]);
}

/** Compiles a program. Returns its path. */
export function compileProgram(
  name: string,
  files: readonly string[],
  flags: readonly string[] = [],
): string {
  return compile(name, files, ['-pthread', ...flags]);
}

function compile(target: string, files: readonly string[], flags: readonly string[]): string {
  const path = join(output, target);
  const inputs = files.map((file) => join(sources, file));
  const headers = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.h'),
  );
  const dependencies = [...inputs, ...headers.map((file) => join(sources, file)), join(include, 'trampfd.h')];
  if (dependencies.every((input) => modified(input) <= modified(path))) return path;
  mkdirSync(output, { recursive: true });
  const compiler = files.some((file) => file.endsWith('.cc')) ? 'g++' : 'gcc';
  // Test files run in parallel, so the file is renamed after it is complete.
  const unfinished = `${path}.${process.pid}`;
  const warnings = ['-Wall', '-Wextra', '-Werror'];
  execFileSync(compiler, ['-O2', '-g', ...warnings, '-I', include, '-o', unfinished, ...inputs, ...flags]);
  renameSync(unfinished, path);
  return path;
}

function modified(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
