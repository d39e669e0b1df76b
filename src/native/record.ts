/** Records, through which JavaScript passes arguments to the native module and reads results: see module-layout.ts. */
import { callFlags, callRecord, nativeCall } from '../machine/glue-layout.js';

/** The C library functions that are called have at most this many arguments on the stack. */
const maxStackWords = 4;

export interface CallRecord {
  readonly buffer: ArrayBuffer;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  readonly u64: BigUint64Array;
}

/** Indexes in `u64`: the function to call, arguments in registers and on the stack, the result. */
export const targetIndex = nativeCall.target / 8;
export const argumentIndex = (nativeCall.record + callRecord.general) / 8;
export const stackIndex = (nativeCall.record + callRecord.stack) / 8;
export const resultIndex = (nativeCall.record + callRecord.results) / 8;
/** Indexes in `u32`: bytes of stack arguments, and `errno` after the call. */
export const stackSizeIndex = nativeCall.stackSize / 4;
export const errnoIndex = nativeCall.errno / 4;

/** Creates a record for calls of which all store `errno`. */
export function createRecord(): CallRecord {
  const buffer = new ArrayBuffer(nativeCall.record + callRecord.stack + 8 * maxStackWords);
  const u32 = new Uint32Array(buffer);
  u32[nativeCall.flags / 4] = callFlags.errno;
  return { buffer, u32, i32: new Int32Array(buffer), u64: new BigUint64Array(buffer) };
}
