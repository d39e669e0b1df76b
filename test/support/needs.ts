/** Reasons to skip a test, for its `skip` option: false where everything is there, else what is missing. */
import { hasTool, type Tool } from '../../scripts/tools.js';

/** Whether qemu-user runs this process: see scripts/emulation.ts. */
export const emulated: boolean = (process.env['TRAMPFD_EMULATED'] ?? '') !== '';

/** What Linux has and qemu-user 7 to 10 does not hand on, or answers for itself. */
const notEmulated = [
  ...(['seccomp', 'ptrace', 'PR_SET_MDWE', 'mseal', 'process_vm_readv', 'mount_setattr'] as const),
  ...(['PR_SET_CHILD_SUBREAPER', 'single steps'] as const),
] as const;
type Feature = (typeof notEmulated)[number];

/** Tools that are of no use without one of these. */
const tracers: readonly string[] = ['gdb', 'strace'] satisfies Tool[];

/** What a reason begins with where no emulated test can run. */
export const emulatorLacks = 'qemu-user has no';

const isFeature = (name: Tool | Feature): name is Feature => notEmulated.some((feature) => feature === name);

export function needs(...wanted: (Tool | Feature)[]): false | string {
  if (emulated) {
    const feature = wanted.find((name) => isFeature(name) || tracers.includes(name));
    if (feature !== undefined) return `${emulatorLacks} ${isFeature(feature) ? feature : 'ptrace'}`;
  }
  const missing = wanted.filter((name) => !isFeature(name) && !hasTool(name));
  return missing.length === 0 ? false : `needs ${missing.join(', ')}`;
}
