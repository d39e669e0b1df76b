/**
 * The constants and structure layouts of `include/trampfd.h`; `test/abi/probe.test.ts` compares the two. Register
 * numbers are in `core/registers.ts`, the limits of lists in `core/limits.ts`.
 *
 * All integers are little-endian, as in RFC v1. Structures are laid out by the C rules of the supported architectures
 * (psABI for x86-64, section 3.1.2; AAPCS64, composite types): each member at the next multiple of its own size. None
 * of them has padding.
 */
import { limits } from '../core/limits.js';

export const abi = {
  /** `__NR_trampfd_create`. The number in RFC v1, 440, is `process_madvise` since Linux 5.10. */
  createNumber: 4400,
  /** Object types: the first argument of `trampfd_create`. */
  types: { user: 0, table: 1, code: 2, handler: 3 },
  /** `TRAMPFD_SLOW`, a flag of the type `user`. */
  slow: 1,
  /** `TRAMPFD_SET_SP`, a flag of stack contexts. */
  setSp: 1,
  /** `TRAMPFD_OFFSET_BASE`: the first symbolic file offset; "trmp" in its upper half. */
  offsetBase: 0x74726d7000000000n,
  /** Offsets of the contexts, relative to the base. */
  contexts: { map: 0, regs: 1, stack: 2, allowedPcs: 3, allowedCallers: 4 },
  /** The contexts of instance i are at `i << instanceShift` relative to those of instance 0. */
  instanceShift: 8,
  /** `TRAMPFD_MAX_COUNT`: maximum instances in one object. */
  maxCount: 65536,
  /** `TRAMPFD_SUPERVISOR`: environment variable of a supervised program; its value: `TRAMPFD_VERSION`. */
  supervisor: { variable: 'TRAMPFD_SUPERVISOR', version: '1' },
} as const;

/**
 * The size of each structure and the offset of each member, in bytes. The size of a structure that ends in an array
 * is that with the longest array. Members called `size` in C are `map_size` and `data_size` here.
 */
export const structs = {
  trampfd_user: { size: 8, flags: 0, count: 4 },
  trampfd_table: { size: 32, flags: 0, count: 4, code_reg: 8, data_reg: 12, code_table: 16, data_table: 24 },
  trampfd_code: {
    size: 24 + 4 * limits.registers,
    flags: 0,
    count: 4,
    nregs: 8,
    stack_size: 12,
    stack_offset: 16,
    stack_flags: 20,
    regs: 24,
  },
  trampfd_handler: { size: 8, flags: 0, count: 4 },
  trampfd_map: { size: 24, map_size: 0, prot: 4, flags: 8, offset_page: 12, ioffset: 16, stride: 20 },
  trampfd_reg: { size: 16, name: 0, reserved: 4, value: 8 },
  trampfd_regs: { size: 8 + 16 * limits.registers, nregs: 0, reserved: 4, regs: 8 },
  trampfd_stack: { size: 16 + limits.stackSize, flags: 0, offset: 4, data_size: 8, reserved: 12, data: 16 },
  trampfd_values: { size: 8 + 8 * limits.allowedPcs, nvalues: 0, reserved: 4, values: 8 },
} as const;
