/** The limits of RFC v1: part of the C interface, the same on every architecture. */
export const limits = {
  /** Registers in one context, including the program counter. */
  registers: 40,
  /** Bytes of stack data. */
  stackSize: 64,
  /** Bytes between the stack pointer and the end of the stack data. */
  stackOffset: 256,
  /** Program counters in an allow list. */
  allowedPcs: 16,
  /** Caller ranges in an allow list. */
  allowedCallers: 8,
} as const;
