/** Reasons to skip a test, for its `skip` option: false if nothing is missing. */
import { hasTool, type Tool } from '../../scripts/ensure-tools.js';

/** Whether qemu-user runs this process: see scripts/emulation.ts. */
export const emulated: boolean = (process.env['TRAMPFD_EMULATED'] ?? '') !== '';

/** Features of Linux that qemu-user does not support, emulates incompletely, or uses itself. */
const notEmulated = [
  ...(['seccomp', 'ptrace', 'PR_SET_MDWE', 'mseal', 'process_vm_readv', 'mount_setattr'] as const),
  ...([
    'PR_SET_CHILD_SUBREAPER',
    'SS_AUTODISARM',
    'CLONE_NEWUSER',
    'libffi',
    'address space of the program alone',
    'executable mappings to show to others',
    'flags of mappings',
    'shared libraries of its architecture',
    'compilers of its architecture',
    'npm packages of its architecture',
  ] as const),
] as const;
type Feature = (typeof notEmulated)[number];

/** Tools that need ptrace. */
const tracers: readonly string[] = ['gdb', 'strace'] satisfies Tool[];

/** Reasons that do not mean that this system lacks something. */
export const acceptable = /^(qemu-user has no|is about) /;

/** Returns the reason to skip a test about another architecture. */
export const about = (architecture: 'x64' | 'arm64'): false | string =>
  process.arch !== architecture && `is about ${architecture}`;

const isFeature = (name: Tool | Feature): name is Feature => notEmulated.some((feature) => feature === name);

/** Returns the reason to skip a test that needs tools or features. */
export function needs(...names: (Tool | Feature)[]): false | string {
  if (emulated) {
    const feature = names.find((name) => isFeature(name) || tracers.includes(name));
    if (feature !== undefined) return `qemu-user has no ${isFeature(feature) ? feature : 'ptrace'}`;
  }
  const missing = names.filter((name) => !isFeature(name) && !hasTool(name));
  return missing.length === 0 ? false : `needs ${missing.join(', ')}`;
}
