/**
 * The tools of users that the tests of the package run. `tools/` has their manifest and lock file; they are installed once,
 * into `build/`.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { emulated } from '../support/needs.js';

export const root = fileURLToPath(new URL('../../..', import.meta.url));

const manifests = join(root, 'test/package/tools');
const folder = join(root, 'build/package-tools');
const installedLock = join(folder, 'installed.json');

/** Runs every row of a matrix: `npm run test:package`. */
export const allRows: boolean = (process.env['TRAMPFD_LONG'] ?? '') !== '';

/** Returns the reason to skip what needs the tools. Installs them at the first call. */
export function needsTools(): false | string {
  // The tools, or their compilers, are native programs.
  if (emulated) return 'qemu-user has no compilers of its architecture';
  if (process.execArgv.includes('--jitless') || /--jitless/.test(process.env['NODE_OPTIONS'] ?? ''))
    return 'needs WebAssembly, which node --jitless does not have';
  reason ??= install();
  return reason;
}

let reason: false | string | undefined;

function install(): false | string {
  const lock = readFileSync(join(manifests, 'package-lock.json'), 'utf8');
  if (existsSync(installedLock) && readFileSync(installedLock, 'utf8') === lock) return false;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const file of ['package.json', 'package-lock.json'])
    copyFileSync(join(manifests, file), join(folder, file));
  const { status, stderr } = spawnSync(
    'npm',
    ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'],
    { cwd: folder, encoding: 'utf8' },
  );
  if (status !== 0)
    return `needs the tools of test/package/tools, and npm cannot install them: ${stderr.trim()}`;
  writeFileSync(installedLock, lock);
  return false;
}

/** The path of a file of an installed tool. */
export function toolFile(...path: string[]): string {
  return join(folder, 'node_modules', ...path);
}

/** A folder in which a package manager keeps what it downloads. */
export function cacheFolder(name: string): string {
  return join(folder, 'caches', name);
}
