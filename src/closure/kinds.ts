/**
 * What closures of one signature and the same options share: how JavaScript reads their arguments, and a block of
 * native memory that tells the glue. Kinds are found again by their text and are never freed, since a call from
 * another thread may be on its way.
 */
import type { Signature } from '../abi/c-types.js';
import { allocate } from '../linux/heap.js';
import { thisMachine } from '../linux/host.js';
import {
  kind as blockLayout,
  callFlags,
  longestStack,
  record,
  threads as threadNumbers,
} from '../machine/glue-layout.js';
import type { CallLayout } from '../machine/index.js';
import { argumentPlaces, memorySize, type Place, resultPlace, resultsAt } from './places.js';
import type { Runtime } from './runtime.js';
import { prepare } from './structures.js';

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
  checkStack(Math.max(layout.stackSize, resultSize));
  const errorResults = errorResultsOf(result, options.errorResult, { ...tools, resultSize });
  const block = blockOf({ layout, resultSize, threads: options.threads, errorResults });
  const { args, text } = signature;
  const bytes = Buffer.from(block).toString('latin1');
  const key = JSON.stringify([text, signature.result, args, options.awaits, bytes]);
  let kind = kinds.get(key);
  if (kind !== undefined) return kind;

  const address = allocate(block);
  const places = argumentPlaces(signature, layout.args);
  const [first, second, third] = places;
  kind = {
    ...{ signature, args: places, first, second, third, result },
    threads: options.threads,
    awaits: options.awaits,
    low: Number(address & 0xffff_ffffn),
    high: Number(address >> 32n),
  };
  kinds.set(key, kind);
  return kind;
}

/** The block of native memory: `kind` of glue-layout.ts. */
function blockOf({ layout, resultSize, threads, errorResults }: Block): Uint8Array {
  const block = new Uint8Array(blockLayout.errorResults + errorResults.length);
  const view = new DataView(block.buffer);
  view.setUint32(blockLayout.stackSize, layout.stackSize, true);
  view.setUint32(blockLayout.resultSize, resultSize, true);
  view.setUint32(blockLayout.flags, layout.registers.vector > 0 ? callFlags.vectors : 0, true);
  view.setUint32(blockLayout.threads, threadNumbers[threads], true);
  block.set(errorResults, blockLayout.errorResults);
  return block;
}

interface Block {
  readonly layout: CallLayout;
  readonly resultSize: number;
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
