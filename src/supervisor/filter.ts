/** Which system calls are answered here. All others go to the kernel at full speed. */
import { abi } from '../abi/layout.js';
import type { Condition, Notice } from '../linux/seccomp.js';
import type { Machine } from '../machine/index.js';

/** `--abi`: besides the interface of `trampfd.h`, that of the first proposal. */
export type AbiName = 'trampfd' | 'rfc-v1';

export function notices({ systemCalls }: Machine, abiName: AbiName): Notice[] {
  const { pread64, pwrite64, mmap, process_madvise } = systemCalls;
  const upper = Number(abi.offsetBase >> 32n);
  /** In two steps, since a filter sees 32 bits at a time. */
  const far = (argument: number): Condition => ({ argument, half: 'upper', is: upper });
  const own: Notice[] = [
    { call: abi.createNumber, notify: true },
    { call: pread64, notify: true, when: [far(3)] },
    { call: pwrite64, notify: true, when: [far(3)] },
    { call: mmap, notify: true, when: [far(5)] },
  ];
  if (abiName === 'trampfd') return own;
  const near: Condition[] = [
    { argument: 3, half: 'upper', is: 0 },
    { argument: 3, below: 4 },
  ];
  return [
    ...own,
    // The kernel's call of this number does nothing with a list of 0 ranges, the third argument.
    {
      call: process_madvise,
      notify: true,
      when: [
        { argument: 2, half: 'upper', is: 0 },
        { argument: 2, is: 0 },
      ],
    },
    { call: pread64, notify: true, when: near },
    { call: pwrite64, notify: true, when: near },
  ];
}
