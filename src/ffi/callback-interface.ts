/**
 * What closures of one signature and the same options share: how JavaScript reads their arguments, and a block of
 * native memory that tells the glue. Kinds are found again by their text and are never freed, since a call from
 * another thread may be on its way.
 */
import { type Signature, sizeOf } from '../machine/c-types.js';
import {
  argumentCopy,
  callFlags,
  callRecord,
  crossThreadModes as crossThreadCodes,
  callbackInterface as interfaceLayout,
  maxStackBytes,
  stackAlignment,
} from '../machine/glue-layout.js';
import type { ArgLocation, CallLayout } from '../machine/index.js';
import { mallocBytes } from '../native/heap.js';
import { hostMachine } from '../native/host.js';
import { takePinned } from './marshal.js';
import { snapshotValue } from './marshal-struct.js';
import type { Runtime } from './runtime.js';
import {
  argumentLocations,
  pointerOffset,
  resultLocation,
  resultMemorySize,
  resultsOffset,
  stackArgsOffset,
  type ValueLocation,
} from './value-locations.js';

export type CrossThreadMode = keyof typeof crossThreadCodes;

export interface CallbackInterface {
  readonly signature: Signature;
  readonly args: readonly ValueLocation[];
  /** The same, one by one: most signatures have no more, and a list takes longer to look into. */
  readonly first: ValueLocation | undefined;
  readonly second: ValueLocation | undefined;
  readonly third: ValueLocation | undefined;
  readonly result: ValueLocation | undefined;
  readonly crossThread: CrossThreadMode;
  /** Whether calls from other threads wait for promises. */
  readonly awaitResult: boolean;
  /** The address of the block, in halves. */
  readonly addressLo: number;
  readonly addressHi: number;
  /** Text and memory that the error result leads to. */
  readonly pinned: readonly unknown[];
}

export interface CallbackInterfaceOptions {
  readonly crossThread: CrossThreadMode;
  readonly awaitResult: boolean;
  readonly errorResult: unknown;
}

type MarshalContext = Pick<Runtime, 'state' | 'marshaller'>;

const interfaces = new Map<string, CallbackInterface>();

/** The kind of a signature with these options: one for all who ask for the same. */
export function interfaceFor(
  signature: Signature,
  options: CallbackInterfaceOptions,
  context: MarshalContext,
): CallbackInterface {
  const layout = hostMachine().ffi.callLayout(signature);
  const result = resultLocation(signature.result, layout.result, `the result of ${signature.text}`);
  const resultSize = resultMemorySize(signature.result, layout.result);
  const recordArgs = argsInRecord(signature, layout);
  const length = alignUp(Math.max(recordArgs.size, resultSize), stackAlignment);
  assertStackSize(length);
  const errorResultBytes = encodeErrorResult(result, options.errorResult, { ...context, resultSize });
  const pinned = takePinned();
  const { copies } = recordArgs;
  const block = encodeBlock({
    layout,
    resultSize,
    length,
    copies,
    crossThread: options.crossThread,
    errorResultBytes,
  });
  const { args, text } = signature;
  const { crossThread, awaitResult, errorResult } = options;
  // A text is at another address each time.
  const errorResultKey =
    typeof errorResult === 'string' ? { errorResult } : Buffer.from(block).toString('latin1');
  const key = JSON.stringify([text, signature.result, args, crossThread, awaitResult, errorResultKey]);
  let callbackInterface = interfaces.get(key);
  if (callbackInterface !== undefined) return callbackInterface;

  const address = mallocBytes(block);
  const locations = argumentLocations(signature, recordArgs.args);
  const [first, second, third] = locations;
  callbackInterface = {
    ...{ signature, args: locations, first, second, third, result },
    crossThread,
    awaitResult,
    addressLo: Number(address & 0xffff_ffffn),
    addressHi: Number(address >> 32n),
    pinned,
  };
  interfaces.set(key, callbackInterface);
  return callbackInterface;
}

/** An argument whose address is passed: `copy` of glue-layout.ts. */
type ArgumentCopy = Readonly<Record<Exclude<keyof typeof argumentCopy, 'length'>, number>>;

/**
 * Where arguments stand when the glue has saved them: those whose address is passed are copied behind those on the
 * stack, since the caller's memory is there no longer when nobody waits.
 */
function argsInRecord(
  { args }: Signature,
  layout: CallLayout,
): {
  readonly args: readonly ArgLocation[];
  readonly size: number;
  readonly copies: readonly ArgumentCopy[];
} {
  const copies: ArgumentCopy[] = [];
  let end = layout.stackSize;
  const argLocations = layout.args.map((location, index): ArgLocation => {
    if (location.in !== 'memory') return location;
    const size = sizeOf(args[index]!.type);
    const offset = end;
    end = alignUp(offset + size, 8);
    const to = callRecord.stack + offset;
    copies.push({ address: pointerOffset(location.address) - stackArgsOffset + callRecord.stack, to, size });
    return { in: 'stack', offset };
  });
  return { args: argLocations, size: end, copies };
}

function alignUp(size: number, alignment: number): number {
  return Math.ceil(size / alignment) * alignment;
}

/** The block of native memory: `kind` of glue-layout.ts, and the list of copies. */
function encodeBlock({
  layout,
  resultSize,
  length,
  copies,
  crossThread,
  errorResultBytes,
}: BlockContents): Uint8Array {
  const copiesOffset = alignUp(interfaceLayout.errorResults + errorResultBytes.length, 4);
  const block = new Uint8Array(copiesOffset + argumentCopy.length * (copies.length + 1));
  const view = new DataView(block.buffer);
  view.setUint32(interfaceLayout.stackSize, layout.stackSize, true);
  view.setUint32(interfaceLayout.resultSize, resultSize, true);
  view.setUint32(interfaceLayout.flags, layout.registers.vector > 0 ? callFlags.vectors : 0, true);
  view.setUint32(interfaceLayout.crossThread, crossThreadCodes[crossThread], true);
  view.setUint32(interfaceLayout.recordStackLength, length, true);
  view.setUint32(interfaceLayout.copiesOffset, copies.length === 0 ? 0 : copiesOffset, true);
  block.set(errorResultBytes, interfaceLayout.errorResults);
  for (const [index, { address, to, size }] of copies.entries()) {
    const entryOffset = copiesOffset + argumentCopy.length * index;
    view.setUint32(entryOffset + argumentCopy.address, address, true);
    view.setUint32(entryOffset + argumentCopy.to, to, true);
    view.setUint32(entryOffset + argumentCopy.size, size, true);
  }
  return block;
}

interface BlockContents {
  readonly layout: CallLayout;
  readonly resultSize: number;
  readonly length: number;
  readonly copies: readonly ArgumentCopy[];
  readonly crossThread: CrossThreadMode;
  readonly errorResultBytes: Uint8Array;
}

export function assertStackSize(size: number): void {
  if (size <= maxStackBytes) return;
  throw new RangeError(`signature needs ${size} bytes of stack; ${maxStackBytes} is the most`);
}

/** The results of a record, and what is behind: zeros, or what a value becomes when JavaScript returns it. */
function encodeErrorResult(
  location: ValueLocation | undefined,
  value: unknown,
  { state, marshaller, resultSize }: MarshalContext & { readonly resultSize: number },
): Uint8Array {
  if (location === undefined && value !== undefined) {
    throw new TypeError('errorResult is given, and the result is void');
  }
  const errorLocation =
    location === undefined || value === undefined ? undefined : { ...location, subject: 'errorResult' };
  const snapshot = errorLocation === undefined ? undefined : snapshotValue(errorLocation, value);
  const length = callRecord.stack - callRecord.results + resultSize;
  const bytes = state.bytes.subarray(resultsOffset, resultsOffset + length).fill(0);
  if (errorLocation !== undefined) marshaller.write(errorLocation, snapshot);
  return bytes.slice();
}
