/**
 * What the fault handler reads, the same on every architecture: a control block behind its code, and for each
 * slow trampoline a *descriptor*. All of it is written by JavaScript through another mapping; the handler and
 * the program only read it. Numbers are bytes.
 *
 *     code        u64 magic, u64 distance from here to the control block, then the handler
 *     control     see below
 *     descriptor  u64 address of the routine of its type, u32 mask of registers, u8 bytes of allowed PCs,
 *                 u8 bytes of allowed callers, u16 distance to those lists (bit 0: there is stack data),
 *                 with stack data: u16 size, u16 offset, u32 whether SP is set,
 *                 then the data words as in a data slot, the allowed PCs, the allowed callers (first, end)
 */

/** `trampfd` and the version of everything described here. */
export const FAULT_MAGIC = 0x0164_6670_6d61_7274n;
/** The handler begins behind magic and distance. */
export const faultEntryOffset = 16;

export const controlBlock = {
  /** The action that stood before: its handler (0 default, 1 ignore), and the signals that it blocks. */
  previousHandler: 0,
  previousMask: 8,
  /** Whether the handler may only return (to `sigreturn`), not jump. */
  mustUseSigreturn: 16,
  /** Where the control block can be written. */
  writableAlias: 24,
  /** Held while the list of arenas is written. */
  lock: 40,
  /** How many arenas there are; they follow. */
  arenaCount: 32,
  arenaList: 64,
} as const;

/** An arena: reserved addresses, and what stands for them. */
export const arena = {
  base: 0,
  length: 8,
  /** Addresses of descriptors, as far from here as the trampoline is from the base; 0 for free ones. */
  selectors: 16,
  /** Invocations and refusals, twice as far from here. */
  counters: 24,
  size: 32,
} as const;
export const maxArenas = 60;

/** Bytes from one slow trampoline's address to the next: as many as a selector has. */
export const slowStride = 8;

export const faultRecord = {
  routine: 0,
  registerMask: 8,
  allowedPcBytes: 12,
  allowedCallerBytes: 13,
  listsOffset: 14,
  /** The data words, or what tells about stack data before them. */
  data: 16,
} as const;

/** Flag in `listsOffset`: there is stack data. */
export const hasStackData = 1;

export const stackHeader = { size: 0, offset: 2, setSp: 4, length: 8 } as const;
