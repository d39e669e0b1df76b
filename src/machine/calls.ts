/** Where the values of a call are, by the calling convention of an architecture. */

export interface CallLayout {
  /** On entry of the function, in the order of the signature. */
  readonly args: readonly ValuePlace[];
  /** On return. */
  readonly result: ResultPlace;
  /** Registers that arguments take, the address for the result included: always the first ones of each bank. */
  readonly registers: { readonly general: number; readonly vector: number };
  /** Bytes of arguments on the stack. */
  readonly stackSize: number;
}

export type ValuePlace =
  | { readonly in: 'registers'; readonly pieces: readonly Piece[] }
  /** In bytes from the first argument on the stack. What lies between value and next multiple of 8 is undefined. */
  | { readonly in: 'stack'; readonly offset: number };

export type ResultPlace =
  | { readonly in: 'nothing' }
  | { readonly in: 'registers'; readonly pieces: readonly Piece[] }
  /** The caller has memory for it and passes the address before all arguments; the function returns the address. */
  | { readonly in: 'memory' };

/** A part of a value, in a register of its own. */
export interface Piece {
  readonly bank: RegisterBank;
  /** The place in the order in which arguments (or results) take the registers of the bank. */
  readonly index: number;
  /** Which bytes of the value: the first of them, and how many. The rest of the register is undefined. */
  readonly offset: number;
  readonly size: number;
}

export type RegisterBank = 'general' | 'vector';
