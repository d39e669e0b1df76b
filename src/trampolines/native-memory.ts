/** Small things that programs need around native function pointers. */

import { isCodeAddress } from '../codepage/regions.js';
import { TrampfdError } from '../core/errors.js';
import { nonNullAddress as checkAddress, describeType, integerInRange } from '../core/validate.js';
import { isMapped } from '../linux/mm/memory.js';
import { readMemory } from '../linux/process/proc-mem.js';
import { dlopen, dlsym } from '../native/dl.js';
import { mallocBytes } from '../native/heap.js';
import { addressOfBytes, isBufferSource, memoryAt } from '../native/memory-view.js';
import { disassembleCode } from './debug/disassembly.js';

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
 * @throws TrampfdError `ERR_TRAMPFD_SYMBOL`, `ERR_TRAMPFD_LIBRARY` when there is none
 */
export function symbolAddress(name: string, library?: string): bigint {
  assertText(name, 'name');
  if (library !== undefined) assertText(library, 'library');
  const address = dlsym(name, library === undefined ? undefined : dlopen(library));
  if (address !== undefined) return address;
  const reason =
    library === undefined ? 'in no library of this process; name the library' : `not in ${library}`;
  throw new TrampfdError(`Cannot find the symbol ${name}: it is ${reason}`, { code: 'ERR_TRAMPFD_SYMBOL' });
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
  integerInRange(byteLength, 'byteLength', { min: 1, max: Number.MAX_SAFE_INTEGER });
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
  if (!isBufferSource(view)) {
    throw new TypeError(`view must be an ArrayBuffer or a view of one, not ${describeType(view)}`);
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
  assertText(text, 'text', { empty: true });
  return mallocBytes(new TextEncoder().encode(`${text}\0`));
}

/** Enough for the longest trampoline. */
const maxCodeBytes = 512;

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
  const listings = new Map<bigint, string>();
  let next: bigint | undefined = address;
  do {
    const { text, target } = disassembleCode(readMemory(next, maxCodeBytes), next, (wordAddress) =>
      readMemory(wordAddress, 8),
    );
    listings.set(next, text);
    next = target;
    // Trampolines can lead to each other in a circle.
  } while (next !== undefined && isCodeAddress(next) && !listings.has(next));
  return [...listings.values()].join('\n');
}

function assertText(value: unknown, name: string, { empty = false } = {}): void {
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string, not ${describeType(value)}`);
  if (!empty && value === '') throw new RangeError(`${name} is empty`);
  if (value.includes('\0')) throw new RangeError(`${name} contains a NUL character, where C would end it`);
}
