/**
 * The glue of this thread: its code, the memory that it shares with JavaScript, and the functions that it exports. Each
 * Worker has its own, as each has its own V8 isolate. It stays mapped after the Worker has exited, and then returns the
 * error results of the Worker's callbacks.
 */
import { mapCode } from '../codepage/map-code.js';
import { alignUp } from '../core/bits.js';
import { TrampfdError } from '../core/errors.js';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  mmap,
  mprotect,
  mseal,
  PROT_READ,
  PROT_WRITE,
  pageSize,
} from '../linux/mm/memory.js';
import {
  constants,
  constantsOffset,
  type ExportName,
  type GlueEntry,
  importNames,
  importOffset,
  state as stateLayout,
  stateOffset,
} from '../machine/glue-layout.js';
import { callInitialise, glueCode, resolveImport } from '../native/glue.js';
import { memoryAt } from '../native/memory-view.js';
import { threadStack } from '../native/thread-stack.js';

/** Views of the state that JavaScript and the glue share: one for each element type. */
export interface GlueState {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  readonly i64: BigInt64Array;
  readonly u64: BigUint64Array;
}

export interface GlueInstance {
  readonly state: GlueState;
  addressOf(entry: GlueEntry): bigint;
  readonly functions: Readonly<Record<ExportName, (...args: unknown[]) => unknown>>;
  /** Installs the function that the glue calls. */
  attach(dispatch: () => void): void;
}

const attempt = 'prepare calls between C and JavaScript';

export function createGlue(): GlueInstance {
  const stateLength = alignUp(stateLayout.length, pageSize());
  const { code, offsets } = glueCode();
  const length = constantsOffset + stateOffset + stateLength;
  const address = mapCode(() => code, {
    codeSource: undefined,
    sizeHint: code.bytes.length,
    dataLength: (codeLength) => length - codeLength,
  }).address;
  const constantsAddress = address + BigInt(constantsOffset);
  const constantWords = new BigUint64Array(mapZeroedAt(constantsAddress, pageSize()));
  const state = createViews(mapZeroedAt(constantsAddress + BigInt(stateOffset), stateLength));
  const { low, high } = threadStack();
  constantWords[constants.stackLow / 8] = low;
  constantWords[constants.stackHigh / 8] = high;
  for (const name of importNames) constantWords[importOffset(name) / 8] = resolveImport(name);
  const addressOf = (entry: GlueEntry): bigint => address + BigInt(offsets[entry]);
  const functions = callInitialise(addressOf('initialise')) as GlueInstance['functions'];
  throwOnNapiError(state);
  return {
    state,
    addressOf,
    functions,
    attach(dispatch) {
      functions.attach(dispatch, 'trampfd');
      throwOnNapiError(state);
      mprotect(constantsAddress, pageSize(), PROT_READ);
      mseal(constantsAddress, pageSize());
    },
  };
}

/** Throws if a call of Node-API in the glue failed. */
export function throwOnNapiError({ i32 }: GlueState): void {
  const status = i32[stateLayout.napiStatus / 4]!;
  if (status === 0) return;
  throw new TrampfdError(`Cannot ${attempt}: Node-API returned status ${status}`, {
    code: 'ERR_TRAMPFD_NAPI',
  });
}

function mapZeroedAt(address: bigint, length: number): ArrayBuffer {
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  mmap({ address, length, prot: PROT_READ | PROT_WRITE, flags }, attempt);
  return memoryAt(address, length);
}

function createViews(buffer: ArrayBuffer): GlueState {
  return {
    bytes: new Uint8Array(buffer),
    view: new DataView(buffer),
    i32: new Int32Array(buffer),
    u32: new Uint32Array(buffer),
    f32: new Float32Array(buffer),
    f64: new Float64Array(buffer),
    i64: new BigInt64Array(buffer),
    u64: new BigUint64Array(buffer),
  };
}
