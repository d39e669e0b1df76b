/**
 * The data of the fault handler, the same on every architecture: a control block after its code, and a *record* for
 * each slow trampoline. JavaScript writes it through another mapping; handler and program have read access only.
 * Offsets and lengths are in bytes.
 *
 *     code     u64 magic, u64 distance from the magic to the control block, then the handler
 *     control  see `controlBlock`
 *     record   u64 address of the routine of its type, u32 mask of registers, u8 length of the allowed PCs,
 *              u8 length of the allowed callers, u16 offset of those lists (bit 0: `hasStackData`),
 *              with stack data: u16 size, u16 offset, u32 whether SP is set,
 *              then the data words as in a data slot, the allowed PCs, the allowed callers (first, end)
 */

/** `trampfd`, and the version of this layout in the last byte. */
export const FAULT_MAGIC = 0x0164_6670_6d61_7274n;
/** Offset of the handler, after magic and distance. */
export const faultEntryOffset = 16;

export const controlBlock = {
  /** The previous action: its handler (0 default, 1 ignore), and the signals that it blocks. */
  previousHandler: 0,
  previousMask: 8,
  /** Whether the handler must return through `rt_sigreturn`. */
  mustUseSigreturn: 16,
  /** Address of a writable mapping of the control block. */
  writableAlias: 24,
  /** Held while the list of arenas changes. */
  lock: 40,
  /** Number of arenas in `arenaList`. */
  arenaCount: 32,
  arenaList: 64,
} as const;

/** An arena: a range of reserved addresses, one per slow trampoline. */
export const arena = {
  base: 0,
  length: 8,
  /** Address of the selectors: u64 addresses of records, at the offset of the trampoline in the arena; 0 if free. */
  selectors: 16,
  /** Address of the counters: u64 invocations and u64 refusals, at twice that offset. */
  counters: 24,
  size: 32,
} as const;
export const maxArenas = 60;

/** Bytes from one slow trampoline's address to the next, equal to the size of a selector. */
export const slowStride = 8;

export const faultRecord = {
  routine: 0,
  registerMask: 8,
  allowedPcBytes: 12,
  allowedCallerBytes: 13,
  listsOffset: 14,
  /** Offset of the data words, which `stackHeader` precedes if there is stack data. */
  data: 16,
} as const;

/** Flag in `listsOffset`: there is stack data. */
export const hasStackData = 1;

export const stackHeader = { size: 0, offset: 2, setSp: 4, length: 8 } as const;
