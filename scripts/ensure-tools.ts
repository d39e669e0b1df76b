/** Programs and headers that tests and benchmarks need besides Node, and their installation. */
import { execFileSync, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Commands, each with its Debian package. */
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

/** Returns the path of a command, if `PATH` has it. */
export function findTool(tool: string): string | undefined {
  const paths = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, tool));
  return paths.find((path) => {
    try {
      accessSync(path, constants.X_OK);
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
 * Installs missing tools as root on Debian, unless `TRAMPFD_NO_INSTALL` is set; otherwise prints what to install.
 * @param extra more commands and C headers (`ffi.h`), each with its package
 */
export function ensureTools(extra: Readonly<Record<string, string>> = {}): void {
  const required: Readonly<Record<string, string>> = { ...packages, ...extra };
  const missing = Object.keys(required).filter(
    (name) => !(name.endsWith('.h') ? hasHeader(name) : hasTool(name)),
  );
  if (missing.length === 0) return;
  const names = [...new Set(missing.map((tool) => required[tool]!))];
  const mayInstall =
    process.getuid?.() === 0 && hasTool('apt-get') && (process.env['TRAMPFD_NO_INSTALL'] ?? '') === '';
  if (!mayInstall) {
    console.log(
      `Missing: ${missing.join(', ')}. Debian packages: ${names.join(' ')}. Tests that need them are skipped.`,
    );
    return;
  }
  console.log(`Installing: ${names.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    for (const command of [['update'], ['install', '--yes', '--no-install-recommends', ...names]]) {
      // Waits up to 300 s while another process installs packages.
      const wait = ['-o', 'DPkg::Lock::Timeout=300'];
      execFileSync('apt-get', ['--quiet', '--quiet', ...wait, ...command], {
        stdio: ['ignore', 'ignore', 'inherit'],
        env,
      });
    }
  } catch {
    console.log('The installation failed. Tests that need these tools are skipped.');
  }
}
