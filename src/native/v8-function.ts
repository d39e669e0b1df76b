/**
 * JavaScript functions that V8 runs without Node-API. V8's optimised code calls a C function with converted arguments;
 * other code calls a callback. They are made by V8's C++ interface, whose functions are found by their symbols.
 * @see <v8-function-callback.h>, <v8-template.h>, <v8-fast-api-calls.h>
 */
import { TrampfdError } from '../core/errors.js';
import { nativeCall } from '../machine/glue-layout.js';
import { templateCall } from '../machine/module-layout.js';
import { bindCFunction, type CFunction } from './c-function.js';
import { dlsym } from './dl.js';
import { mallocBytes } from './heap.js';
import { memoryAt } from './memory-view.js';
import { nativeModule } from './module.js';
import { createRecord, indexOfArgument, stackSizeFor, stackSizeIndex, targetIndex } from './record.js';

/** Values of `CTypeInfo::Type`. */
export const fastTypes = {
  void: 0,
  int32: 3,
  uint32: 4,
  int64: 5,
  uint64: 6,
  float32: 7,
  float64: 8,
} as const;
export type FastType = keyof typeof fastTypes;
/** `kV8Value`: the receiver, which is the first argument. */
const receiverType = 10;

/** A C function that optimised code calls, with the receiver and then the arguments. */
export interface FastTarget {
  readonly address: bigint;
  readonly result: FastType;
  readonly args: readonly FastType[];
  /** The JavaScript type of 64-bit arguments. Bigints are possible if `v8Interface().hasBigInts`. */
  readonly int64?: 'number' | 'bigint';
}

export interface V8Interface {
  /** Address of the `v8::Isolate` of this thread. */
  readonly isolate: bigint;
  readonly hasBigInts: boolean;
  /**
   * Creates a function without `prototype`.
   * @param callback address of the function that other code calls: a `v8::FunctionCallback`
   */
  createFunction(callback: bigint, target?: FastTarget): (...args: never[]) => unknown;
}

/** Versions of V8 that the tests run on: those of Node 20, 22, 24 and 26. Layouts differ between versions. */
const testedVersions = /^(11\.3|12\.4|13\.6|14\.6)\./;

const symbols = {
  newTemplate:
    '_ZN2v816FunctionTemplate3NewEPNS_7IsolateEPFvRKNS_20FunctionCallbackInfoINS_5ValueEEEENS_5LocalIS4_EENSA_INS_9SignatureEEEiNS_19ConstructorBehaviorENS_14SideEffectTypeEPKNS_9CFunctionEttt',
  getFunction: '_ZN2v816FunctionTemplate11GetFunctionENS_5LocalINS_7ContextEEE',
  getCurrentIsolate: '_ZN2v87Isolate10GetCurrentEv',
  getCurrentContext: '_ZN2v87Isolate17GetCurrentContextEv',
  argumentInfo: '_ZNK2v813CFunctionInfo12ArgumentInfoEj',
} as const;
/** The constructor of `CFunctionInfo`: its last parameter was added after Node 20. */
const infoSymbol = '_ZN2v813CFunctionInfoC1ERKNS_9CTypeInfoEjPS2_';
const infoWithInt64Symbol = `${infoSymbol}NS0_19Int64RepresentationE`;

/** Offsets, in bytes, in the memory of a `CFunction`: itself, its `CFunctionInfo`, the type of the result, other types. */
const layout = { info: 16, result: 80, types: 88 } as const;
/** Offsets in `CFunctionInfo`. */
const infoLayout = { result: 0, count: 4, types: 8 } as const;

let instance: V8Interface | Error | undefined;

/** @throws TrampfdError that tells why this build of Node cannot have such functions */
export function v8Interface(): V8Interface {
  if (instance === undefined) {
    try {
      instance = openInterface();
    } catch (error) {
      instance = error as Error;
    }
  }
  if (instance instanceof Error) throw instance;
  return instance;
}

function openInterface(): V8Interface {
  if (process.env['TRAMPFD_FAST_CALLS'] === '0')
    throw unsupported('the environment variable TRAMPFD_FAST_CALLS is 0');
  const { v8 } = process.versions;
  if (!testedVersions.test(v8)) throw unsupported(`V8 ${v8} is not one of the tested versions`);
  const { variables } = process.config as unknown as { variables: Readonly<Record<string, unknown>> };
  if (variables['v8_enable_sandbox'] === 1) throw unsupported('V8 has a sandbox');
  const find = (symbol: string): bigint => {
    const address = dlsym(symbol);
    if (address === undefined) throw unsupported(`this build of Node does not export ${symbol}`);
    return address;
  };
  const newTemplate = find(symbols.newTemplate);
  const getFunction = find(symbols.getFunction);
  const getCurrentContext = find(symbols.getCurrentContext);
  const infoWithInt64 = dlsym(infoWithInt64Symbol);
  const infoConstructor = bindCFunction(
    'void CFunctionInfo(uintptr_t, uintptr_t, unsigned, uintptr_t, int)',
    infoWithInt64 ?? find(infoSymbol),
  );
  const argumentInfo = bindCFunction(
    'uintptr_t ArgumentInfo(uintptr_t, unsigned)',
    find(symbols.argumentInfo),
  );
  const isolate = BigInt(
    bindCFunction('uintptr_t GetCurrent()', find(symbols.getCurrentIsolate))() as number | bigint,
  );
  const { buffer: record, u32, u64 } = createRecord();

  function createFunction(callback: bigint, target?: FastTarget): (...args: never[]) => unknown {
    // Without data, signature, length, constructor, side effect type and exception context; see <v8-template.h>.
    const args = [
      isolate,
      callback,
      0n,
      0n,
      0n,
      0n,
      0n,
      target === undefined ? 0n : cFunction(target),
      0n,
      0n,
      0n,
    ];
    for (const [index, value] of args.entries()) u64[indexOfArgument(index)] = value;
    u32[stackSizeIndex] = stackSizeFor(args.length);
    u64[targetIndex] = newTemplate;
    u64[(nativeCall.record + templateCall.getCurrentContext) / 8] = getCurrentContext;
    u64[(nativeCall.record + templateCall.getFunction) / 8] = getFunction;
    return nativeModule().functionOf(record) as (...args: never[]) => unknown;
  }

  /** Returns the address of a `CFunction`. V8 keeps pointers to its parts for ever. */
  function cFunction({ address, result, args, int64 = 'number' }: FastTarget): bigint {
    const count = args.length + 1;
    const block = mallocBytes(new Uint8Array(layout.types + stride * count));
    const memory = memoryAt(block, layout.types + stride * count);
    const bytes = new Uint8Array(memory);
    const info = block + BigInt(layout.info);
    new BigUint64Array(memory, 0, 2).set([address, info]);
    bytes[layout.result] = fastTypes[result];
    bytes[layout.types] = receiverType;
    for (const [index, type] of args.entries()) bytes[layout.types + stride * (index + 1)] = fastTypes[type];
    const types = block + BigInt(layout.types);
    infoConstructor(info, block + BigInt(layout.result), count, types, int64 === 'bigint' ? 1 : 0);
    const view = new DataView(memory, layout.info);
    if (
      view.getUint8(infoLayout.result) !== fastTypes[result] ||
      view.getUint32(infoLayout.count, true) !== count ||
      view.getBigUint64(infoLayout.types, true) !== types
    )
      throw unsupported('a description of a C function has another layout');
    return block;
  }

  const stride = typeStride(infoConstructor, argumentInfo);
  return { isolate, hasBigInts: infoWithInt64 !== undefined, createFunction };
}

/** Returns the bytes of a `CTypeInfo`: the distance of two of them. */
function typeStride(infoConstructor: CFunction, argumentInfo: CFunction): number {
  const block = mallocBytes(new Uint8Array(layout.types + 16));
  const info = block + BigInt(layout.info);
  infoConstructor(info, block + BigInt(layout.result), 2, block + BigInt(layout.types), 0);
  const stride = Number(argumentInfo(info, 1)) - Number(argumentInfo(info, 0));
  if (stride !== 2 && stride !== 3) throw unsupported('types of arguments have another size');
  return stride;
}

export function unsupported(reason: string): TrampfdError {
  return new TrampfdError(`Cannot make fast calls: ${reason}`, { code: 'ERR_TRAMPFD_FAST' });
}
