/**
 * Allocates the bodies of a fast object: code with the values of one instance. A body is written to a place that no
 * selector points to yet; then one store makes the instance's selector point there. The replaced body is quarantined
 * until no thread can be executing it.
 */

import { SyscallError } from '../../abi/syscall-error.js';
import { alignUp } from '../../core/bits.js';
import type { Machine, ObjectContexts } from '../../machine/index.js';
import { memoryAt } from '../../native/memory-view.js';
import { Quarantine } from '../../trampolines/slots/quarantine.js';
import type { ObjectFile } from './object-file.js';
import { randomU64 } from './random.js';

/** Maximum number of quarantined bodies: the minimum that `Quarantine` retains, and a reserve. */
const quarantineSize = 65536 + 4096;

export interface BodyLayout {
  readonly count: number;
  /** Bytes of the entries and of their shared code. */
  readonly entriesLength: number;
  /** The selector of an instance without a body: the offset of a trap. */
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
  /** The index of each instance's body; -1 if it has none. */
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

  /** Returns the bytes to reserve: whole pages. Only pages that were written use memory. */
  static byteLength(
    { count, pageSize }: Pick<BodyLayout, 'count' | 'pageSize'>,
    { bodySize }: BodyCode,
  ): number {
    return alignUp((count + quarantineSize) * bodySize, pageSize);
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
      throw new SyscallError('EAGAIN', 'too many updates per second; all bodies are quarantined');
    }
    return this.#allocated++;
  }
}
