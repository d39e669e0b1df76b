/** The limits of RFC v1. They are part of the C interface, so they are the same on every architecture. */
export const limits = {
  /** Registers that one context may set, the program counter included. */
  registers: 40,
  /** Bytes of stack data. */
  stackSize: 64,
  /** Bytes between the stack pointer and the end of the stack data. */
  stackOffset: 256,
  /** Program counters in an allow list. */
  allowedPcs: 16,
  /** Ranges of callers in an allow list. */
  allowedCallers: 8,
} as const;
