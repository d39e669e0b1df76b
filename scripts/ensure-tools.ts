/** The programs and headers that tests and benchmarks need besides Node, and how they come to be there. */
import { execFileSync, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Commands, each with the Debian package that has it. */
const packages = {
  gcc: 'gcc',
  'g++': 'g++',
  objcopy: 'binutils',
  objdump: 'binutils',
  readelf: 'binutils',
  gdb: 'gdb',
  strace: 'strace',
  groff: 'groff-base',
  make: 'make',
} as const;

export type Tool = keyof typeof packages;

/** Where a command is on the path. */
export function findTool(tool: string): string | undefined {
  const places = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, tool));
  return places.find((place) => {
    try {
      accessSync(place, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export function hasTool(tool: string): boolean {
  return findTool(tool) !== undefined;
}

/** Whether the C compiler finds a header. */
export function hasHeader(header: string): boolean {
  const args = ['-E', '-include', header, '-x', 'c', '/dev/null'];
  return spawnSync('gcc', args, { stdio: 'ignore' }).status === 0;
}

/**
 * Installs what is missing, as root on a Debian, and says so; elsewhere says what to install.
 * `TRAMPFD_NO_INSTALL` forbids it. `extra` names more commands and C headers (`ffi.h`), each with its package.
 */
export function ensureTools(extra: Readonly<Record<string, string>> = {}): void {
  const wanted: Readonly<Record<string, string>> = { ...packages, ...extra };
  const missing = Object.keys(wanted).filter(
    (name) => !(name.endsWith('.h') ? hasHeader(name) : hasTool(name)),
  );
  if (missing.length === 0) return;
  const names = [...new Set(missing.map((tool) => wanted[tool]!))];
  const mayInstall =
    process.getuid?.() === 0 && hasTool('apt-get') && (process.env['TRAMPFD_NO_INSTALL'] ?? '') === '';
  if (!mayInstall) {
    console.log(
      `Missing: ${missing.join(', ')}. Debian has them in: ${names.join(' ')}. What needs them is skipped.`,
    );
    return;
  }
  console.log(`Installing: ${names.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    for (const command of [['update'], ['install', '--yes', '--no-install-recommends', ...names]]) {
      // Somebody else may be installing something.
      const wait = ['-o', 'DPkg::Lock::Timeout=300'];
      execFileSync('apt-get', ['--quiet', '--quiet', ...wait, ...command], {
        stdio: ['ignore', 'ignore', 'inherit'],
        env,
      });
    }
  } catch {
    console.log('That failed. What needs them is skipped.');
  }
}
