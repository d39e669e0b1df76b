/** Native memory that programs need with function pointers. */
import { TrampfdError } from '../core/errors.js';
import { describeType, integerInRange, nonNullAddress } from '../core/validate.js';
import { isMapped } from '../linux/mm/memory.js';
import { mallocBytes } from '../native/heap.js';
import { addressOfBytes, isBufferSource, memoryAt } from '../native/memory-view.js';
import { assertText } from './text.js';

/**
 * Returns native memory as bytes, without a copy. The bytes must not be used after the memory is unmapped or freed.
 *
 * @example
 * ```ts
 * import { cString, viewMemory } from 'trampfd';
 *
 * console.log(Buffer.from(viewMemory(cString('hello'), 5)).toString()); // hello
 * ```
 * @throws TypeError, RangeError for a wrong address or length
 * @throws TrampfdError `EFAULT` if the range is not completely mapped
 */
export function viewMemory(address: bigint, byteLength: number): Uint8Array<ArrayBuffer> {
  nonNullAddress(address, 'address');
  integerInRange(byteLength, 'byteLength', { min: 1, max: Number.MAX_SAFE_INTEGER });
  if (address < 0n || address + BigInt(byteLength) > 2n ** 63n || !isMapped(address, byteLength)) {
    throw new TrampfdError(
      `Cannot view ${byteLength} bytes at 0x${address.toString(16)}: not all of it is mapped`,
      { code: 'EFAULT' },
    );
  }
  return new Uint8Array(memoryAt(address, byteLength));
}

/**
 * Returns the address of the first byte of a buffer. It is valid only while JavaScript references the buffer: keep a
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
 * @throws TypeError, RangeError if `view` is not a buffer, or has no bytes
 */
export function addressOf(view: ArrayBuffer | ArrayBufferView): bigint {
  if (!isBufferSource(view)) {
    throw new TypeError(`view must be an ArrayBuffer or a view of one, not ${describeType(view)}`);
  }
  if (view.byteLength === 0) throw new RangeError('view has no bytes, so it has no address');
  return addressOfBytes(view);
}

/**
 * Copies text to native memory, as UTF-8 with a terminating NUL, and returns its address. The memory is never freed,
 * so the address can be stored anywhere: in a trampoline, by `atexit`.
 *
 * @example
 * ```ts
 * import { createTrampoline, cString, symbolAddress } from 'trampfd';
 *
 * const greet = createTrampoline({ registers: { pc: symbolAddress('puts'), arg0: cString('hello') } });
 * ```
 * @throws TypeError, RangeError if `text` is not a string, or contains a NUL
 */
export function cString(text: string): bigint {
  assertText(text, 'text', { allowEmpty: true });
  return mallocBytes(new TextEncoder().encode(`${text}\0`));
}
