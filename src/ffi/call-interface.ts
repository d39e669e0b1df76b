/** State shared by all calls of one native function. */
import { alignUp, splitU64 } from '../core/bits.js';
import type { Signature } from '../machine/c-types.js';
import { callFlags, stackAlignment } from '../machine/glue-layout.js';
import { hostMachine } from '../native/host.js';
import {
  argumentLocations,
  assertStackSize,
  resultLocation,
  resultMemorySize,
  resultPointerOffset,
  type ValueLocation,
} from './value-locations.js';

/**
 * How a call enters C: on the stack of the JavaScript thread, on that of the fiber, or without the preparations for
 * callbacks.
 */
export type CallMode = 'thread' | 'fiber' | 'fast';

export interface CallInterface {
  readonly args: readonly ValueLocation[];
  readonly result: ValueLocation | undefined;
  /** The address of the function, in 32-bit halves. */
  readonly targetLo: number;
  readonly targetHi: number;
  readonly stackSize: number;
  readonly flags: number;
  /** Whether `errno` is saved after the call. */
  readonly errno: boolean;
  readonly mode: CallMode;
  /** Bytes of a result in memory; 0 if it is in registers. */
  readonly resultSize: number;
  /** Offset, in the state, of the address for a result in memory. */
  readonly resultPointerOffset: number | undefined;
}

/** @throws RangeError if the arguments need too much stack */
export function prepareCall(
  signature: Signature,
  address: bigint,
  { errno, mode }: Pick<CallInterface, 'errno' | 'mode'>,
): CallInterface {
  const { args, result, registers, stackSize } = hostMachine().ffi.callLayout(signature);
  const alignedStackSize = alignUp(stackSize, stackAlignment);
  assertStackSize(alignedStackSize);
  const { low, high } = splitU64(address);
  return {
    args: argumentLocations(signature, args),
    result: resultLocation(signature.result, result, `the result of ${signature.text}`),
    targetLo: low,
    targetHi: high,
    stackSize: alignedStackSize,
    flags: (registers.vector > 0 ? callFlags.vectors : 0) | (errno ? callFlags.errno : 0),
    errno,
    mode,
    resultSize: resultMemorySize(signature.result, result),
    resultPointerOffset: resultPointerOffset(result),
  };
}
