/**
 * The bodies of a fast object: code with the values of one instance, written where no selector leads yet. Then
 * one store makes the selector lead there, and the body that it led to before waits until nobody can be in it.
 */

import { SyscallError } from '../../abi/syscall-error.js';
import { memoryAt } from '../../linux/mm/memory.js';
import type { Machine, ObjectContexts } from '../../machine/index.js';
import { Quarantine } from '../../trampolines/slots/quarantine.js';
import type { ObjectFile } from './object-file.js';
import { randomU64 } from './random.js';

/** Replaced bodies that wait at most: what `Retired` keeps, and some more. */
const quarantineSize = 65536 + 4096;

export interface BodyLayout {
  readonly count: number;
  /** Bytes of the entries, and of what they share. */
  readonly entriesLength: number;
  /** Where an instance without a body leads. */
  trapOffset(index: number): number;
  readonly selectorsOffset: number;
  readonly bodiesOffset: number;
  readonly pageSize: number;
}

type BodyCode = Pick<Machine['supervised'], 'body' | 'bodySize'>;

export class BodyAllocator {
  readonly #file: ObjectFile;
  readonly #layout: BodyLayout;
  readonly #code: BodyCode;
  readonly #selectors: BigInt64Array;
  /** Which body each instance has; -1 for none. */
  readonly #currentBodies: Int32Array;
  readonly #freeBodies: number[] = [];
  readonly #quarantine = new Quarantine((bodyIndex) => this.#freeBodies.push(bodyIndex));
  #allocated = 0;

  constructor(file: ObjectFile, layout: BodyLayout, code: BodyCode) {
    this.#file = file;
    this.#layout = layout;
    this.#code = code;
    const selectors = file.address + BigInt(layout.selectorsOffset);
    this.#selectors = new BigInt64Array(memoryAt(selectors, 8 * layout.count));
    this.#currentBodies = new Int32Array(layout.count).fill(-1);
  }

  /** Bytes to reserve: whole pages, of which only those are used that were written. */
  static byteLength(
    { count, pageSize }: Pick<BodyLayout, 'count' | 'pageSize'>,
    { bodySize }: BodyCode,
  ): number {
    return Math.ceil(((count + quarantineSize) * bodySize) / pageSize) * pageSize;
  }

  replace(index: number, contexts: ObjectContexts): void {
    const bodyIndex = this.#freeBodies.shift() ?? this.#allocate();
    const { bodiesOffset, entriesLength } = this.#layout;
    const offset = bodiesOffset + bodyIndex * this.#code.bodySize;
    this.#file.write(offset, this.#code.body(contexts, randomU64, { offset, entriesLength }));
    this.#setSelector(index, bodyIndex, offset);
  }

  remove(index: number): void {
    this.#setSelector(index, -1, this.#layout.trapOffset(index));
  }

  #setSelector(index: number, bodyIndex: number, offset: number): void {
    Atomics.store(this.#selectors, index, BigInt(offset));
    const previousBody = this.#currentBodies[index]!;
    this.#currentBodies[index] = bodyIndex;
    if (previousBody >= 0) this.#quarantine.add(previousBody);
  }

  #allocate(): number {
    if (this.#allocated === this.#layout.count + quarantineSize) {
      throw new SyscallError('EAGAIN', 'too many changes in a second; all bodies may still be running');
    }
    return this.#allocated++;
  }
}
