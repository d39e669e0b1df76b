/** Records, through which JavaScript passes arguments to the native module and reads results: see module-layout.ts. */
import { callFlags, callRecord, nativeCall, stackAlignment } from '../machine/glue-layout.js';
import { hostMachine } from './host.js';

/** The C library functions that are called have at most this many arguments on the stack. */
const maxStackWords = 6;

export interface CallRecord {
  readonly buffer: ArrayBuffer;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  readonly u64: BigUint64Array;
}

/** Indexes in `u64`: the function to call, the first argument, the result. */
export const targetIndex = nativeCall.target / 8;
export const argumentIndex = (nativeCall.record + callRecord.general) / 8;
const stackIndex = (nativeCall.record + callRecord.stack) / 8;
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

/** Returns the index in `u64` of an argument by its number. */
export function indexOfArgument(argument: number): number {
  const { generalArguments } = hostMachine().ffi;
  return argument < generalArguments ? argumentIndex + argument : stackIndex + argument - generalArguments;
}

/** Returns the bytes of a call's stack arguments. */
export function stackSizeFor(argumentCount: number): number {
  const stackWords = Math.max(0, argumentCount - hostMachine().ffi.generalArguments);
  return stackAlignment * Math.ceil((8 * stackWords) / stackAlignment);
}
