/** Small things that programs need around native function pointers. */

import { isRegionCode } from '../codepage/regions.js';
import { dlopen, dlsym } from '../linux/dynamic-library.js';
import { allocate } from '../linux/heap.js';
import { addressOfBytes, isMapped, isMemory, memoryAt } from '../linux/memory.js';
import { readMemory } from '../linux/proc.js';
import { TrampfdError } from '../trampoline/errors.js';
import { address as checkAddress, integer, kind } from '../trampoline/values.js';
import { disassembleCode } from './listing.js';

/**
 * The address of a symbol: in the named library, which is loaded if it is not yet, or in any library that
 * the process has loaded for everybody, the C library among them.
 *
 * @example
 * ```ts
 * import { symbolAddress } from 'trampfd';
 *
 * const memcmp = symbolAddress('memcmp');
 * const cos = symbolAddress('cos', 'libm.so.6');
 * ```
 * @throws TypeError, RangeError for what is no name
 * @throws TrampfdError `ERR_SYMBOL`, `ERR_LIBRARY` when there is none
 */
export function symbolAddress(name: string, library?: string): bigint {
  requireText(name, 'name');
  if (library !== undefined) requireText(library, 'library');
  const found = dlsym(name, library === undefined ? undefined : dlopen(library));
  if (found !== undefined) return found;
  const place =
    library === undefined ? 'in no library of this process; name the library' : `not in ${library}`;
  throw new TrampfdError(`Cannot find the symbol ${name}: it is ${place}`, { code: 'ERR_SYMBOL' });
}

/**
 * Native memory as bytes, without a copy. Whoever unmaps or frees the memory must not use the bytes again.
 *
 * @example
 * ```ts
 * import { cString, viewMemory } from 'trampfd';
 *
 * console.log(Buffer.from(viewMemory(cString('hello'), 5)).toString()); // hello
 * ```
 * @throws TypeError, RangeError for what is no address or no number of bytes
 * @throws TrampfdError `EFAULT` when some of it is not mapped now
 */
export function viewMemory(address: bigint, byteLength: number): Uint8Array<ArrayBuffer> {
  checkAddress(address, 'address');
  integer(byteLength, 'byteLength', { from: 1, to: Number.MAX_SAFE_INTEGER });
  if (address < 0n || address + BigInt(byteLength) > 2n ** 63n || !isMapped(address, byteLength)) {
    throw new TrampfdError(
      `Cannot view ${byteLength} bytes at 0x${address.toString(16)}: not all of it is mapped`,
      {
        code: 'EFAULT',
      },
    );
  }
  return new Uint8Array(memoryAt(address, byteLength));
}

/**
 * The address of the first byte of a buffer. It holds for as long as JavaScript keeps the buffer: keep a
 * reference while native code may use the address.
 *
 * @example
 * ```ts
 * import { addressOf, nativeFunction, symbolAddress } from 'trampfd';
 *
 * const strlen = nativeFunction('size_t (uintptr_t)', symbolAddress('strlen'));
 * const text = Buffer.from('hello\0');
 * console.log(strlen(addressOf(text))); // 5n
 * ```
 * @throws TypeError, RangeError for what is no buffer, or has no bytes
 */
export function addressOf(view: ArrayBuffer | ArrayBufferView): bigint {
  if (!isMemory(view)) {
    throw new TypeError(`view must be an ArrayBuffer or a view of one, not ${kind(view)}`);
  }
  if (view.byteLength === 0) throw new RangeError('view has no bytes, so it has no address');
  return addressOfBytes(view);
}

/**
 * Copies text to native memory, as UTF-8 with a NUL behind it, and returns its address. The memory is never
 * freed, so that the address may go anywhere: into a trampoline, to `atexit`.
 *
 * @example
 * ```ts
 * import { createTrampoline, cString, symbolAddress } from 'trampfd';
 *
 * const greet = createTrampoline({ registers: { pc: symbolAddress('puts'), arg0: cString('hello') } });
 * ```
 * @throws TypeError, RangeError for what is no text, or has a NUL inside
 */
export function cString(text: string): bigint {
  requireText(text, 'text', { empty: true });
  return allocate(new TextEncoder().encode(`${text}\0`));
}

/** Enough for the longest trampoline. */
const longest = 512;

/**
 * The instructions of a trampoline, one a line: address, bytes, text, and the value of each word that it reads.
 * Where one piece leads to another, as the entry of an atomic trampoline does to its body, all are shown.
 * Knows the instructions that trampolines are made of, and no others.
 *
 * @example
 * ```ts
 * import { createTrampoline, disassemble, symbolAddress } from 'trampfd';
 *
 * console.log(disassemble(createTrampoline({ registers: { pc: symbolAddress('getpid') } }).address));
 * ```
 * @throws TrampfdError `EIO` when nothing is mapped at the address
 */
export function disassemble(address: bigint): string {
  checkAddress(address, 'address');
  const texts = new Map<bigint, string>();
  let next: bigint | undefined = address;
  do {
    const { text, leadsTo } = disassembleCode(readMemory(next, longest), next, (at) => readMemory(at, 8));
    texts.set(next, text);
    next = leadsTo;
    // Trampolines can lead to each other in a circle.
  } while (next !== undefined && isRegionCode(next) && !texts.has(next));
  return [...texts.values()].join('\n');
}

function requireText(value: unknown, name: string, { empty = false } = {}): void {
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string, not ${kind(value)}`);
  if (!empty && value === '') throw new RangeError(`${name} is empty`);
  if (value.includes('\0')) throw new RangeError(`${name} contains a NUL character, where C would end it`);
}
