/** Where the values of a call are, by the calling convention of an architecture. */

export interface CallLayout {
  /** On entry of the function, in the order of the signature. */
  readonly args: readonly ArgLocation[];
  /** On return. */
  readonly result: ResultLocation;
  /** Registers that arguments take, the address for the result included where it is one of them: always the first. */
  readonly registers: { readonly general: number; readonly vector: number };
  /** Bytes of arguments on the stack. */
  readonly stackSize: number;
}

export type ArgLocation =
  | DirectLocation
  /** The caller has a copy for the function, and passes its address. */
  | { readonly in: 'memory'; readonly address: DirectLocation };

export type DirectLocation =
  | { readonly in: 'registers'; readonly pieces: readonly RegisterPiece[] }
  /** In bytes from the first argument on the stack. What lies between value and next multiple of 8 is undefined. */
  | { readonly in: 'stack'; readonly offset: number };

export type ResultLocation =
  | { readonly in: 'nothing' }
  | { readonly in: 'registers'; readonly pieces: readonly RegisterPiece[] }
  /** The caller has memory for it, and passes the address in the general register with this index. */
  | { readonly in: 'memory'; readonly address: number };

/** A part of a value, in a register of its own. */
export interface RegisterPiece {
  readonly bank: RegisterBank;
  /** The place in the order in which arguments (or results) take the registers of the bank. */
  readonly index: number;
  /** Which bytes of the value: the first of them, and how many. The rest of the register is undefined. */
  readonly offset: number;
  readonly size: number;
}

export type RegisterBank = 'general' | 'vector';
