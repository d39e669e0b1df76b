/**
 * Numbers of the C interface, as `include/trampfd.h` has them: a test compares both. All integers are
 * little-endian, and every structure is laid out alike for every architecture.
 */
export const abi = {
  /** The system call. 440, which the proposal took, belongs to `process_madvise` since Linux 5.10. */
  createNumber: 4400,
  types: { user: 0, table: 1, code: 2 },
  /** `TRAMPFD_SLOW`, in the flags of a type's data. */
  slow: 1,
  /** `TRAMPFD_SET_SP`, in the flags of a stack context. */
  setSp: 1,
  /** Contexts stand at this file offset, so that the upper half of an offset tells them from other file I/O. */
  offsetBase: 0x74726d7000000000n,
  /** Instance `i` is `i << instanceShift` further on. */
  instanceShift: 8,
  contexts: { map: 0, regs: 1, stack: 2, allowedPcs: 3, allowedCallers: 4 },
  /** Instances of one object. */
  maxCount: 65536,
} as const;

/** Sizes of structures, up to a flexible array, and the offsets of their fields; an array begins at the size. */
export const structs = {
  trampfd_user: { size: 8, flags: 0, count: 4 },
  trampfd_table: {
    ...{ size: 32, flags: 0, count: 4, code_reg: 8, data_reg: 12 },
    ...{ code_table: 16, data_table: 24 },
  },
  trampfd_code: {
    ...{ size: 184, flags: 0, count: 4, nregs: 8 },
    ...{ stack_size: 12, stack_offset: 16, stack_flags: 20, regs: 24 },
  },
  trampfd_map: { size: 24, map_size: 0, prot: 4, flags: 8, offset_page: 12, ioffset: 16, stride: 20 },
  trampfd_reg: { size: 16, name: 0, reserved: 4, value: 8 },
  trampfd_regs: { size: 8, nregs: 0, reserved: 4 },
  trampfd_stack: { size: 16, flags: 0, offset: 4, data_size: 8, reserved: 12 },
  trampfd_values: { size: 8, nvalues: 0, reserved: 4 },
} as const;

/** The environment variable by which a supervisor announces itself, and the version of this interface in it. */
export const announcement = { name: 'TRAMPFD_SUPERVISOR', value: '1' } as const;
