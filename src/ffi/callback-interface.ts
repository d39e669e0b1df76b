/**
 * State shared by callbacks of one prototype and the same options: how JavaScript reads their arguments, and a block of
 * native memory for the glue. Interfaces are cached by content and are never freed, since a call from another thread may be
 * under way.
 */
import { alignUp, splitU64 } from '../core/bits.js';
import type { Signature } from '../machine/c-types.js';
import { stackAlignment } from '../machine/glue-layout.js';
import { mallocBytes } from '../native/heap.js';
import { hostMachine } from '../native/host.js';
import { argsInRecord, type CrossThreadMode, encodeBlock } from './callback-block.js';
import { encodeErrorResult, type MarshalContext } from './error-result.js';
import { takePinned } from './scalars.js';
import {
  argumentLocations,
  assertStackSize,
  resultLocation,
  resultMemorySize,
  type ValueLocation,
} from './value-locations.js';

export interface CallbackInterface {
  readonly signature: Signature;
  readonly args: readonly ValueLocation[];
  /** The first three of `args`: most prototypes have no more, and properties are faster to read than an array. */
  readonly first: ValueLocation | undefined;
  readonly second: ValueLocation | undefined;
  readonly third: ValueLocation | undefined;
  readonly result: ValueLocation | undefined;
  readonly crossThread: CrossThreadMode;
  /** Whether callers on other threads wait until a returned promise is settled. */
  readonly awaitResult: boolean;
  /** The address of the block, in 32-bit halves. */
  readonly addressLo: number;
  readonly addressHi: number;
  /** Text and memory that the error result points to. */
  readonly pinned: readonly unknown[];
}

export interface CallbackInterfaceOptions {
  readonly crossThread: CrossThreadMode;
  readonly awaitResult: boolean;
  readonly errorResult: unknown;
}

const interfaces = new Map<string, CallbackInterface>();

/** Returns the interface for a signature and options: the same one for the same input. */
export function interfaceFor(
  signature: Signature,
  options: CallbackInterfaceOptions,
  context: MarshalContext,
): CallbackInterface {
  const layout = hostMachine().ffi.callLayout(signature);
  const result = resultLocation(signature.result, layout.result, `the result of ${signature.text}`);
  const resultSize = resultMemorySize(signature.result, layout.result);
  const recordArgs = argsInRecord(signature, layout);
  const recordStackLength = alignUp(Math.max(recordArgs.size, resultSize), stackAlignment);
  assertStackSize(recordStackLength);
  const errorResultBytes = encodeErrorResult(result, options.errorResult, context, resultSize);
  const pinned = takePinned();
  const { copies } = recordArgs;
  const block = encodeBlock({
    layout,
    resultSize,
    recordStackLength,
    copies,
    crossThread: options.crossThread,
    errorResultBytes,
  });
  const { args, text } = signature;
  const { crossThread, awaitResult, errorResult } = options;
  // The block of a string has another address each time.
  const errorResultKey =
    typeof errorResult === 'string' ? { errorResult } : Buffer.from(block).toString('latin1');
  const key = JSON.stringify([text, signature.result, args, crossThread, awaitResult, errorResultKey]);
  let callbackInterface = interfaces.get(key);
  if (callbackInterface !== undefined) return callbackInterface;

  const { low, high } = splitU64(mallocBytes(block));
  const locations = argumentLocations(signature, recordArgs.args);
  const [first, second, third] = locations;
  callbackInterface = {
    ...{ signature, args: locations, first, second, third, result },
    crossThread,
    awaitResult,
    addressLo: low,
    addressHi: high,
    pinned,
  };
  interfaces.set(key, callbackInterface);
  return callbackInterface;
}
