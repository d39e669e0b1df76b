/** C functions with integer and pointer arguments, by address. */
import { addressOfBytes, stringAt } from './memory-view.js';
import { nativeModule } from './module.js';
import {
  argumentIndex,
  createRecord,
  errnoIndex,
  indexOfArgument,
  resultIndex,
  stackSizeFor,
  stackSizeIndex,
  targetIndex,
} from './record.js';

const { buffer: record, u32, i32, u64 } = createRecord();

const twoTo32 = 2 ** 32;
const encoder = new TextEncoder();

/** Memory of arguments, which is not collected before the call returns. */
let retained: unknown[] = [];

export type CFunction = (...args: unknown[]) => unknown;

/**
 * Returns a function that calls the C function at `address`. It knows the types of c-function-types.ts, and converts
 * values without checks. In calls of variadic functions the type of each variadic argument precedes its value.
 */
export function bindCFunction(prototype: string, address: bigint): CFunction {
  const [, resultType, list] = /^(const char \*|\w+)\s*\w*\((.*)\)$/.exec(prototype)!;
  const readResult = resultReaders[resultType!] ?? readWord;
  const types = list === '' ? [] : list!.split(', ');
  const isVariadic = types.at(-1) === '...';
  const writers = (isVariadic ? types.slice(0, -1) : types).map(writerOf);
  const { call } = nativeModule();

  return (...args) => {
    let count = 0;
    for (const write of writers) write(indexOfArgument(count), args[count++]);
    if (isVariadic) {
      for (let at = count; at < args.length; at += 2)
        writerOf(args[at] as string)(indexOfArgument(count++), args[at + 1]);
    }
    u32[stackSizeIndex] = stackSizeFor(count);
    u64[targetIndex] = address;
    // C may call callbacks, which make calls of their own. Only this frame refers to the memory from here.
    const held = retained;
    if (held.length > 0) retained = [];
    call(record);
    if (held.length > 0) held.length = 0;
    return readResult();
  };
}

/** Returns `errno` of this thread's last call. Any other call in between overwrites it. */
export function errno(): number {
  return i32[errnoIndex]!;
}

/** Returns the address that `dlsym(handle, symbol)` finds; 0 if there is none. @see dlsym(3) */
export function lookUp(handle: bigint, symbol: string): bigint {
  writeInteger(argumentIndex, handle);
  writeString(argumentIndex + 1, symbol);
  u32[stackSizeIndex] = 0;
  nativeModule().lookup(record);
  retained = [];
  return u64[resultIndex]!;
}

type WriteArgument = (index: number, value: unknown) => void;

function writerOf(type: string): WriteArgument {
  return argumentWriters[type] ?? writeInteger;
}

function writeInteger(index: number, value: unknown): void {
  if (typeof value === 'bigint') {
    u64[index] = value;
  } else {
    u32[2 * index] = value as number;
    u32[2 * index + 1] = Math.floor((value as number) / twoTo32);
  }
}

function writeMemory(index: number, value: unknown): void {
  retained.push(value);
  u64[index] = addressOfBytes(value as ArrayBufferView);
}

function writeString(index: number, value: unknown): void {
  if (value === null) u64[index] = 0n;
  else writeMemory(index, encoder.encode(`${value as string}\0`));
}

function writeStrings(index: number, value: unknown): void {
  const strings = value as readonly (string | null)[];
  const pointers = new BigUint64Array(strings.length);
  for (const [at, text] of strings.entries()) {
    writeString(index, text);
    pointers[at] = u64[index]!;
  }
  writeMemory(index, pointers);
}

const argumentWriters: Readonly<Record<string, WriteArgument>> = {
  'const char *': writeString,
  'const char **': writeStrings,
  'void *': writeMemory,
  'const void *': writeMemory,
};

/** A word is a number if that is exact. */
function readWord(): number | bigint {
  const high = i32[2 * resultIndex + 1]!;
  const isSafe = high >= -(2 ** 21) && high < 2 ** 21;
  return isSafe ? high * twoTo32 + u32[2 * resultIndex]! : BigInt.asIntN(64, u64[resultIndex]!);
}

const resultReaders: Readonly<Record<string, () => unknown>> = {
  void: () => undefined,
  int: () => i32[2 * resultIndex],
  'const char *': () => (u64[resultIndex] === 0n ? null : stringAt(u64[resultIndex]!)),
  uintptr_t: () => {
    const high = u32[2 * resultIndex + 1]!;
    return high < 2 ** 21 ? high * twoTo32 + u32[2 * resultIndex]! : u64[resultIndex];
  },
};
