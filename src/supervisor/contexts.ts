/**
 * What the instances of an object were told, as they were told it: bytes that passed the checks of the
 * interface. Contexts of slow objects lie in memory that two threads share: one answers calls and writes, the
 * other traces and reads at every invocation.
 *
 *     record of an instance   i32 version, odd while it is written; padding; each context at its place
 */
import {
  contextLength,
  contextLengths,
  decodeAllowedCallers,
  decodeAllowedPcs,
  decodeRegisters,
  decodeStack,
  type RegisterNames,
  type RegisterWords,
} from '../abi/contexts.js';
import { abi } from '../abi/layout.js';
import type { CallerRange, StackContext } from '../trampoline/contexts.js';

/** The contexts of one instance, decoded. */
export interface Told {
  readonly registers: RegisterWords | undefined;
  readonly stack: StackContext | undefined;
  readonly allowedPcs: readonly bigint[] | undefined;
  readonly allowedCallers: readonly CallerRange[] | undefined;
}

const untold: Told = {
  registers: undefined,
  stack: undefined,
  allowedPcs: undefined,
  allowedCallers: undefined,
};

/** A context to keep: bytes that have passed the checks, and what they say. */
export interface Change {
  readonly context: number;
  readonly bytes: Uint8Array;
  readonly told: Partial<Told>;
}

const { regs, stack, allowedPcs, allowedCallers } = abi.contexts;

/** Where each context stands in a record, behind the version. */
const places: readonly number[] = [];
let end = 8;
for (const context of [regs, stack, allowedPcs, allowedCallers]) {
  (places as number[])[context] = end;
  end += Math.ceil(contextLengths[context]!.most / 8) * 8;
}
const recordSize = end;

/** Memory for the contexts of `count` instances. */
export function contextMemory(count: number, shared: boolean): ArrayBuffer | SharedArrayBuffer {
  return shared ? new SharedArrayBuffer(count * recordSize) : new ArrayBuffer(count * recordSize);
}

export class Contexts {
  readonly memory: ArrayBuffer | SharedArrayBuffer;
  readonly #names: RegisterNames;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  /** What was decoded last, and from which version. */
  readonly #decoded = new Map<number, { readonly version: number; readonly told: Told }>();

  constructor(memory: ArrayBuffer | SharedArrayBuffer, names: RegisterNames) {
    this.memory = memory;
    this.#names = names;
    this.#words = new Int32Array(memory);
    this.#bytes = new Uint8Array(memory);
  }

  /** A context as it was written, or, where there is none, as it would be removed. */
  get(index: number, context: number): Uint8Array {
    const at = this.#at(index, context);
    const longest = this.#bytes.subarray(at, at + contextLengths[context]!.most);
    return longest.slice(0, contextLength(context, longest));
  }

  /** What a context says. @throws Refusal */
  decode(context: number, bytes: Uint8Array): Change {
    return { context, bytes, told: this.#told(context, bytes) };
  }

  #told(context: number, bytes: Uint8Array): Partial<Told> {
    if (context === regs) return { registers: decodeRegisters(bytes, this.#names) };
    if (context === stack) return { stack: decodeStack(bytes) };
    if (context === allowedPcs) return { allowedPcs: decodeAllowedPcs(bytes) };
    return { allowedCallers: decodeAllowedCallers(bytes) };
  }

  set(index: number, { context, bytes, told }: Change): void {
    const before = this.read(index);
    const at = (index * recordSize) / 4;
    Atomics.add(this.#words, at, 1);
    // On arm64 what an addition writes can be seen later than what is written behind it, but not with a load
    // between them (Arm ARM, section B2.3, "barrier-ordered-before").
    Atomics.load(this.#words, at);
    this.#bytes.set(bytes, this.#at(index, context));
    const version = Atomics.add(this.#words, at, 1) + 1;
    this.#decoded.set(index, { version, told: { ...before, ...told } });
  }

  /** All contexts of an instance, as they stood at one moment. */
  read(index: number): Told {
    for (;;) {
      const version = Atomics.load(this.#words, (index * recordSize) / 4);
      if (version === 0) return untold;
      if (version % 2 !== 0) continue; // for less than a microsecond
      const known = this.#decoded.get(index);
      if (known?.version === version) return known.told;
      const record = [regs, stack, allowedPcs, allowedCallers].map((context) => this.get(index, context));
      // Likewise a load could be made before the reading is done. Adding 0 cannot.
      if (Atomics.add(this.#words, (index * recordSize) / 4, 0) !== version) continue;
      const told: Told = {
        registers: decodeRegisters(record[0]!, this.#names),
        stack: decodeStack(record[1]!),
        allowedPcs: decodeAllowedPcs(record[2]!),
        allowedCallers: decodeAllowedCallers(record[3]!),
      };
      this.#decoded.set(index, { version, told });
      return told;
    }
  }

  #at(index: number, context: number): number {
    return index * recordSize + places[context]!;
  }
}
