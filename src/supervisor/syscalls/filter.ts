/** Selects the system calls that the supervisor handles. The kernel executes all others at full speed. */
import { abi } from '../../abi/layout.js';
import type { ArgumentCondition, NotifyRule } from '../../linux/seccomp/seccomp.js';
import type { Machine } from '../../machine/index.js';

/** `--abi`: `rfc-v1` adds the interface of the first proposal to that of `trampfd.h`. */
export type AbiName = 'trampfd' | 'rfc-v1';

export function notifyRules({ linux }: Machine, abiName: AbiName): NotifyRule[] {
  const { pread64, pwrite64, mmap, process_madvise } = linux.systemCalls;
  const baseUpperHalf = Number(abi.offsetBase >> 32n);
  /** Compares the upper half only, since a filter reads 32 bits at a time. */
  const offsetInRange = (argument: number): ArgumentCondition => ({
    argument,
    half: 'upper',
    equals: baseUpperHalf,
  });
  const trampfdRules: NotifyRule[] = [
    { syscall: abi.createNumber, notify: true },
    { syscall: pread64, notify: true, when: [offsetInRange(3)] },
    { syscall: pwrite64, notify: true, when: [offsetInRange(3)] },
    { syscall: mmap, notify: true, when: [offsetInRange(5)] },
  ];
  if (abiName === 'trampfd') return trampfdRules;
  const legacyOffset: ArgumentCondition[] = [
    { argument: 3, half: 'upper', equals: 0 },
    { argument: 3, lessThan: 4 },
  ];
  return [
    ...trampfdRules,
    // The first proposal used this number. The kernel's own call has no effect if its third argument, the number of
    // ranges, is 0.
    {
      syscall: process_madvise,
      notify: true,
      when: [
        { argument: 2, half: 'upper', equals: 0 },
        { argument: 2, equals: 0 },
      ],
    },
    { syscall: pread64, notify: true, when: legacyOffset },
    { syscall: pwrite64, notify: true, when: legacyOffset },
  ];
}
