/**
 * What closures of one signature and the same options share: how JavaScript reads their arguments, and a block of
 * native memory that tells the glue. Kinds are found again by their text and are never freed, since a call from
 * another thread may be on its way.
 */
import { type Signature, sizeOf } from '../abi/c-types.js';
import { allocate } from '../linux/heap.js';
import { thisMachine } from '../linux/host.js';
import {
  kind as blockLayout,
  callFlags,
  copy,
  longestStack,
  record,
  stackAlignment,
  threads as threadNumbers,
} from '../machine/glue-layout.js';
import type { CallLayout, ValuePlace } from '../machine/index.js';
import {
  addressAt,
  argumentPlaces,
  memorySize,
  type Place,
  resultPlace,
  resultsAt,
  stackAt,
} from './places.js';
import type { Runtime } from './runtime.js';
import { prepare } from './structures.js';
import { takePins } from './values.js';

export type Threads = keyof typeof threadNumbers;

export interface Kind {
  readonly signature: Signature;
  readonly args: readonly Place[];
  /** The same, one by one: most signatures have no more, and a list takes longer to look into. */
  readonly first: Place | undefined;
  readonly second: Place | undefined;
  readonly third: Place | undefined;
  readonly result: Place | undefined;
  readonly threads: Threads;
  /** Whether calls from other threads wait for promises. */
  readonly awaits: boolean;
  /** The address of the block, in halves. */
  readonly low: number;
  readonly high: number;
  /** Text and memory that the error result leads to. */
  readonly kept: readonly unknown[];
}

export interface KindOptions {
  readonly threads: Threads;
  readonly awaits: boolean;
  readonly errorResult: unknown;
}

type Tools = Pick<Runtime, 'state' | 'values'>;

const kinds = new Map<string, Kind>();

/** The kind of a signature with these options: one for all who ask for the same. */
export function kindFor(signature: Signature, options: KindOptions, tools: Tools): Kind {
  const layout = thisMachine().callLayout(signature);
  const result = resultPlace(signature.result, layout.result, `the result of ${signature.text}`);
  const resultSize = memorySize(signature.result, layout.result);
  const received = receivedArgs(signature, layout);
  const length = aligned(Math.max(received.size, resultSize), stackAlignment);
  checkStack(length);
  const errorResults = errorResultsOf(result, options.errorResult, { ...tools, resultSize });
  const kept = takePins();
  const { copies } = received;
  const block = blockOf({ layout, resultSize, length, copies, threads: options.threads, errorResults });
  const { args, text } = signature;
  const { threads, awaits, errorResult } = options;
  // A text is at another address each time.
  const told = typeof errorResult === 'string' ? { errorResult } : Buffer.from(block).toString('latin1');
  const key = JSON.stringify([text, signature.result, args, threads, awaits, told]);
  let kind = kinds.get(key);
  if (kind !== undefined) return kind;

  const address = allocate(block);
  const places = argumentPlaces(signature, received.args);
  const [first, second, third] = places;
  kind = {
    ...{ signature, args: places, first, second, third, result },
    threads,
    awaits,
    low: Number(address & 0xffff_ffffn),
    high: Number(address >> 32n),
    kept,
  };
  kinds.set(key, kind);
  return kind;
}

/** An argument whose address is passed: `copy` of glue-layout.ts. */
type Copy = Readonly<Record<Exclude<keyof typeof copy, 'length'>, number>>;

/**
 * Where arguments stand when the glue has saved them: those whose address is passed are copied behind those on the
 * stack, since the caller's memory is there no longer when nobody waits.
 */
function receivedArgs(
  { args }: Signature,
  layout: CallLayout,
): { readonly args: readonly ValuePlace[]; readonly size: number; readonly copies: readonly Copy[] } {
  const copies: Copy[] = [];
  let end = layout.stackSize;
  const places = layout.args.map((place, index): ValuePlace => {
    if (place.in !== 'memory') return place;
    const size = sizeOf(args[index]!.type);
    const offset = end;
    end = aligned(offset + size, 8);
    const to = record.stack + offset;
    copies.push({ address: addressAt(place.address) - stackAt + record.stack, to, size });
    return { in: 'stack', offset };
  });
  return { args: places, size: end, copies };
}

function aligned(size: number, to: number): number {
  return Math.ceil(size / to) * to;
}

/** The block of native memory: `kind` of glue-layout.ts, and the list of copies. */
function blockOf({ layout, resultSize, length, copies, threads, errorResults }: Block): Uint8Array {
  const listAt = aligned(blockLayout.errorResults + errorResults.length, 4);
  const block = new Uint8Array(listAt + copy.length * (copies.length + 1));
  const view = new DataView(block.buffer);
  view.setUint32(blockLayout.stackSize, layout.stackSize, true);
  view.setUint32(blockLayout.resultSize, resultSize, true);
  view.setUint32(blockLayout.flags, layout.registers.vector > 0 ? callFlags.vectors : 0, true);
  view.setUint32(blockLayout.threads, threadNumbers[threads], true);
  view.setUint32(blockLayout.length, length, true);
  view.setUint32(blockLayout.copies, copies.length === 0 ? 0 : listAt, true);
  block.set(errorResults, blockLayout.errorResults);
  for (const [index, { address, to, size }] of copies.entries()) {
    const at = listAt + copy.length * index;
    view.setUint32(at + copy.address, address, true);
    view.setUint32(at + copy.to, to, true);
    view.setUint32(at + copy.size, size, true);
  }
  return block;
}

interface Block {
  readonly layout: CallLayout;
  readonly resultSize: number;
  readonly length: number;
  readonly copies: readonly Copy[];
  readonly threads: Threads;
  readonly errorResults: Uint8Array;
}

export function checkStack(size: number): void {
  if (size <= longestStack) return;
  throw new RangeError(`signature needs ${size} bytes of stack; ${longestStack} is the most`);
}

/** The results of a record, and what is behind: zeros, or what a value becomes when JavaScript returns it. */
function errorResultsOf(
  place: Place | undefined,
  value: unknown,
  { state, values, resultSize }: Tools & { readonly resultSize: number },
): Uint8Array {
  if (place === undefined && value !== undefined) {
    throw new TypeError('errorResult is given, and the result is void');
  }
  const named = place === undefined || value === undefined ? undefined : { ...place, subject: 'errorResult' };
  const prepared = named === undefined ? undefined : prepare(named, value);
  const length = record.stack - record.results + resultSize;
  const bytes = state.bytes.subarray(resultsAt, resultsAt + length).fill(0);
  if (named !== undefined) values.write(named, prepared);
  return bytes.slice();
}
