/**
 * What the instances of an object were told, as they were told it: bytes that passed the checks of the
 * interface. Contexts of slow objects lie in memory that two threads share: one answers calls and writes, the
 * other traces and reads at every invocation.
 *
 *     record of an instance   i32 version, odd while it is written; padding; each context at its place
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

/** A context to keep: bytes that have passed the checks, and what they say. */
export interface ContextUpdate {
  readonly context: number;
  readonly bytes: Uint8Array;
  readonly decoded: Partial<InstanceContexts>;
}

const { regs, stack, allowedPcs, allowedCallers } = abi.contexts;

/** Where each context stands in a record, behind the version. */
const contextOffsets: readonly number[] = [];
let nextOffset = 8;
for (const context of [regs, stack, allowedPcs, allowedCallers]) {
  (contextOffsets as number[])[context] = nextOffset;
  nextOffset += Math.ceil(contextLengthRanges[context]!.max / 8) * 8;
}
const recordSize = nextOffset;

/** Memory for the contexts of `count` instances. */
export function allocateContextMemory(count: number, shared: boolean): ArrayBuffer | SharedArrayBuffer {
  return shared ? new SharedArrayBuffer(count * recordSize) : new ArrayBuffer(count * recordSize);
}

export class ContextStore {
  readonly memory: ArrayBuffer | SharedArrayBuffer;
  readonly #registerNumbers: RegisterNumbers;
  readonly #i32: Int32Array;
  readonly #bytes: Uint8Array;
  /** What was decoded last, and from which version. */
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

  /** A context as it was written, or, where there is none, as it would be removed. */
  get(index: number, context: number): Uint8Array {
    const offset = this.#offsetOf(index, context);
    const field = this.#bytes.subarray(offset, offset + contextLengthRanges[context]!.max);
    return field.slice(0, contextLength(context, field));
  }

  /** What a context says. @throws Refusal */
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
    // On arm64 what an addition writes can be seen later than what is written behind it, but not with a load
    // between them (Arm ARM, section B2.3, "barrier-ordered-before").
    Atomics.load(this.#i32, versionIndex);
    this.#bytes.set(bytes, this.#offsetOf(index, context));
    const version = Atomics.add(this.#i32, versionIndex, 1) + 1;
    this.#decodedCache.set(index, { version, decoded: { ...previous, ...decoded } });
  }

  /** All contexts of an instance, as they stood at one moment. */
  read(index: number): InstanceContexts {
    for (;;) {
      const version = Atomics.load(this.#i32, (index * recordSize) / 4);
      if (version === 0) return noContexts;
      if (version % 2 !== 0) continue; // for less than a microsecond
      const cached = this.#decodedCache.get(index);
      if (cached?.version === version) return cached.decoded;
      const encoded = [regs, stack, allowedPcs, allowedCallers].map((context) => this.get(index, context));
      // Likewise a load could be made before the reading is done. Adding 0 cannot.
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
