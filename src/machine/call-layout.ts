/** Locations of the values of a call, by the calling convention of an architecture. */

export interface CallLayout {
  /** On entry to the function, in the order of the signature. */
  readonly args: readonly ArgLocation[];
  /** On return. */
  readonly result: ResultLocation;
  /** Number of argument registers in use. An address for the result counts if it is passed as the first argument. */
  readonly registers: { readonly general: number; readonly vector: number };
  /** Bytes of arguments on the stack. */
  readonly stackSize: number;
}

export type ArgLocation =
  | DirectLocation
  /** The caller passes the address of a copy. */
  | { readonly in: 'memory'; readonly address: DirectLocation };

export type DirectLocation =
  | { readonly in: 'registers'; readonly pieces: readonly RegisterPiece[] }
  /** Offset in bytes from the first stack argument. Padding to the next multiple of 8 is undefined. */
  | { readonly in: 'stack'; readonly offset: number };

export type ResultLocation =
  | { readonly in: 'nothing' }
  | { readonly in: 'registers'; readonly pieces: readonly RegisterPiece[] }
  /** The caller provides memory and passes its address in the general register with this index. */
  | { readonly in: 'memory'; readonly address: number };

/** The part of a value that one register holds. */
export interface RegisterPiece {
  readonly bank: RegisterBank;
  /** Index in the order in which arguments (or results) use the registers of the bank. */
  readonly index: number;
  /** First byte of the value, and number of bytes. The rest of the register is undefined. */
  readonly offset: number;
  readonly size: number;
}

export type RegisterBank = 'general' | 'vector';
