/**
 * Validated context bytes of each instance, stored exactly as the program wrote them. Contexts of slow objects are in
 * shared memory: the syscall thread writes them, and the tracer reads them at every invocation.
 *
 *     record of an instance   i32 version, odd during a write; i32 padding; each context at its offset
 */

import {
  contextLength,
  contextLengthRanges,
  type DecodedRegisters,
  decodeAllowedCallers,
  decodeAllowedPcs,
  decodeRegisters,
  decodeStack,
  type RegisterNumbers,
} from '../../abi/decode-contexts.js';
import { abi } from '../../abi/layout.js';
import { alignUp } from '../../core/bits.js';
import type { CallerRange, StackContext } from '../../core/contexts.js';

/** The contexts of one instance, decoded. */
export interface InstanceContexts {
  readonly registers: DecodedRegisters | undefined;
  readonly stack: StackContext | undefined;
  readonly allowedPcs: readonly bigint[] | undefined;
  readonly allowedCallers: readonly CallerRange[] | undefined;
}

const noContexts: InstanceContexts = {
  registers: undefined,
  stack: undefined,
  allowedPcs: undefined,
  allowedCallers: undefined,
};

/** Validated bytes of one context, with their decoded values. */
export interface ContextUpdate {
  readonly context: number;
  readonly bytes: Uint8Array;
  readonly decoded: Partial<InstanceContexts>;
}

const { regs, stack, allowedPcs, allowedCallers } = abi.contexts;

/** Offset of each context within a record, after the version. */
const contextOffsets: readonly number[] = [];
let nextOffset = 8;
for (const context of [regs, stack, allowedPcs, allowedCallers]) {
  (contextOffsets as number[])[context] = nextOffset;
  nextOffset += alignUp(contextLengthRanges[context]!.max, 8);
}
const recordSize = nextOffset;

/** Allocates memory for the contexts of `count` instances. */
export function allocateContextMemory(count: number, shared: boolean): ArrayBuffer | SharedArrayBuffer {
  return shared ? new SharedArrayBuffer(count * recordSize) : new ArrayBuffer(count * recordSize);
}

export class ContextStore {
  readonly memory: ArrayBuffer | SharedArrayBuffer;
  readonly #registerNumbers: RegisterNumbers;
  readonly #i32: Int32Array;
  readonly #bytes: Uint8Array;
  /** The last decoded contexts of each instance, with their version. */
  readonly #decodedCache = new Map<
    number,
    { readonly version: number; readonly decoded: InstanceContexts }
  >();

  constructor(memory: ArrayBuffer | SharedArrayBuffer, registerNumbers: RegisterNumbers) {
    this.memory = memory;
    this.#registerNumbers = registerNumbers;
    this.#i32 = new Int32Array(memory);
    this.#bytes = new Uint8Array(memory);
  }

  /** Returns a context as it was written, or the bytes that would remove it if it is not set. */
  get(index: number, context: number): Uint8Array {
    const offset = this.#offsetOf(index, context);
    const field = this.#bytes.subarray(offset, offset + contextLengthRanges[context]!.max);
    return field.slice(0, contextLength(context, field));
  }

  /** Validates the bytes of a context. @throws SyscallError */
  decode(context: number, bytes: Uint8Array): ContextUpdate {
    return { context, bytes, decoded: this.#decodeContext(context, bytes) };
  }

  #decodeContext(context: number, bytes: Uint8Array): Partial<InstanceContexts> {
    if (context === regs) return { registers: decodeRegisters(bytes, this.#registerNumbers) };
    if (context === stack) return { stack: decodeStack(bytes) };
    if (context === allowedPcs) return { allowedPcs: decodeAllowedPcs(bytes) };
    return { allowedCallers: decodeAllowedCallers(bytes) };
  }

  set(index: number, { context, bytes, decoded }: ContextUpdate): void {
    const previous = this.read(index);
    const versionIndex = (index * recordSize) / 4;
    Atomics.add(this.#i32, versionIndex, 1);
    // On arm64, later writes may become visible before the addition's, unless a load is between them (Arm ARM, section
    // B2.3, "barrier-ordered-before").
    Atomics.load(this.#i32, versionIndex);
    this.#bytes.set(bytes, this.#offsetOf(index, context));
    const version = Atomics.add(this.#i32, versionIndex, 1) + 1;
    this.#decodedCache.set(index, { version, decoded: { ...previous, ...decoded } });
  }

  /** Returns a consistent snapshot of all contexts of an instance. */
  read(index: number): InstanceContexts {
    for (;;) {
      const version = Atomics.load(this.#i32, (index * recordSize) / 4);
      if (version === 0) return noContexts;
      if (version % 2 !== 0) continue; // for less than a microsecond
      const cached = this.#decodedCache.get(index);
      if (cached?.version === version) return cached.decoded;
      const encoded = [regs, stack, allowedPcs, allowedCallers].map((context) => this.get(index, context));
      // Likewise a plain load may be performed before the reads above. An addition of 0 may not.
      if (Atomics.add(this.#i32, (index * recordSize) / 4, 0) !== version) continue;
      const decoded: InstanceContexts = {
        registers: decodeRegisters(encoded[0]!, this.#registerNumbers),
        stack: decodeStack(encoded[1]!),
        allowedPcs: decodeAllowedPcs(encoded[2]!),
        allowedCallers: decodeAllowedCallers(encoded[3]!),
      };
      this.#decodedCache.set(index, { version, decoded });
      return decoded;
    }
  }

  #offsetOf(index: number, context: number): number {
    return index * recordSize + contextOffsets[context]!;
  }
}
