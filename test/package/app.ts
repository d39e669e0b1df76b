/** A program of a user, with the package installed from a tarball as the registry would have it. */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root } from './tools.js';

export interface App {
  readonly tarball: string;
  /** Paths of the files in the tarball. */
  readonly packed: readonly string[];
  readonly folder: string;
  remove(): void;
}

/** Packs and installs the package. The folder is outside of the project: there are no other packages above it. */
export function createApp(): App {
  const folder = mkdtempSync(join(tmpdir(), 'trampfd-package-'));
  // Without scripts: `prepack` would build again while other tests run.
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder, root];
  const [{ filename, files }] = JSON.parse(succeed(folder, 'npm', args)) as [
    { filename: string; files: { path: string }[] },
  ];
  const tarball = join(folder, filename);
  writeFiles(folder, { 'package.json': '{ "private": true }' });
  succeed(folder, 'npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', tarball]);
  return {
    tarball,
    packed: files.map(({ path }) => path),
    folder,
    remove: () => rmSync(folder, { recursive: true }),
  };
}

export function writeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}

/** Runs a program, also one that fails. */
export function run(
  cwd: string,
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): SpawnSyncReturns<string> {
  // The test runner's variable would make Node report tests to it instead of printing.
  const { NODE_TEST_CONTEXT: _, ...rest } = process.env;
  return spawnSync(command, args, { cwd, encoding: 'utf8', env: { ...rest, ...env } });
}

/** Runs a program that has to succeed, and returns its standard output. */
export function succeed(
  cwd: string,
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): string {
  const { status, stdout, stderr, error } = run(cwd, command, args, env);
  if (status === 0) return stdout;
  throw new Error(`${[command, ...args].join(' ')}: exit code ${status}\n${stdout}\n${stderr}`, {
    cause: error,
  });
}

/** Runs a script, as an ES module or as CommonJS. */
export function runScript(folder: string, type: 'module' | 'commonjs', script: string): string {
  return succeed(folder, process.execPath, [`--input-type=${type}`, '--eval', script]);
}
