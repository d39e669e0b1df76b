/**
 * The C interface in numbers: what `include/trampfd.h` defines, as JavaScript sees it. `test/abi/probe.test.ts`
 * compares the two. Registers have their numbers in `trampoline/registers.ts`, lists their limits in
 * `trampoline/limits.ts`.
 *
 * All integers are little-endian, as in RFC v1. Structures are laid out by the C rules of the architectures that
 * we know (psABI for x86-64, section 3.1.2; AAPCS64, composite types): each member at the next multiple of its own
 * size. None of them has a hole.
 */
import { limits } from '../core/limits.js';

export const abi = {
  /** `__NR_trampfd_create`. The number that RFC v1 took, 440, is `process_madvise` since Linux 5.10. */
  createNumber: 4400,
  /** Types of objects: the first argument of `trampfd_create`. */
  types: { user: 0, table: 1, code: 2, handler: 3 },
  /** `TRAMPFD_SLOW`, a flag of the type `user`. */
  slow: 1,
  /** `TRAMPFD_SET_SP`, a flag of stack contexts. */
  setSp: 1,
  /** `TRAMPFD_OFFSET_BASE`: what the symbolic file offsets begin at; "trmp" in its upper half. */
  offsetBase: 0x74726d7000000000n,
  /** Which context an offset means, counted from the base. */
  contexts: { map: 0, regs: 1, stack: 2, allowedPcs: 3, allowedCallers: 4 },
  /** The contexts of instance i lie `i << instanceShift` further. */
  instanceShift: 8,
  /** `TRAMPFD_MAX_COUNT`: instances in one object. */
  maxCount: 65536,
  /** `TRAMPFD_SUPERVISOR`: the environment variable of a supervised program, and its value, `TRAMPFD_VERSION`. */
  supervisor: { variable: 'TRAMPFD_SUPERVISOR', version: '1' },
} as const;

/**
 * Structures: the size of each, and the offset of each member. A structure that ends in an array has the size
 * that it has with the longest array; the offset of the array is the length of the fixed head before it. Members
 * that C calls `size` are `map_size` and `data_size` here.
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
