/** Maps the code of supervised objects as the supervisor and programs do. */
import { closeSync, ftruncateSync, writeSync } from 'node:fs';
import { memfd_create } from '#src/linux/mm/memfd.js';
import { MAP_SHARED, mmap, munmap, PROT_EXEC, PROT_READ, PROT_WRITE } from '#src/linux/mm/memory.js';
import type { EntryCode, ObjectContexts } from '#src/machine/index.js';
import { hostMachine } from '#src/native/host.js';
import { memoryAt } from '#src/native/memory-view.js';
import type { Random } from './random.js';

/** Maps bytes as programs do, `copies` times at different addresses. */
export function mapCode(bytes: Uint8Array, copies = 1): { addresses: bigint[]; free(): void } {
  const fd = memfd_create('object-code', 'map code');
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
  return mapFile(fd, bytes.length, copies);
}

function mapFile(fd: number, length: number, copies: number): { addresses: bigint[]; free(): void } {
  const request = { length, prot: PROT_READ | PROT_EXEC, flags: MAP_SHARED, fd };
  const addresses = Array.from({ length: copies }, () => mmap(request, 'map code'));
  closeSync(fd);
  const free = (): void => {
    for (const address of addresses) munmap(address, length);
  };
  return { addresses, free };
}

const page = 4096;
const pages = (length: number): number => Math.ceil(length / page) * page;

interface RangeRequest {
  readonly count: number;
  readonly bodies: number;
  readonly kind?: 'entries' | 'handlerEntries';
}

/** A range of entries, selectors and bodies, mapped twice for programs and once for the supervisor. */
export class ObjectRange {
  readonly addresses: readonly bigint[];
  readonly #code = hostMachine().supervised;
  readonly #entries: EntryCode;
  readonly #bytes: Uint8Array;
  readonly #selectors: BigInt64Array;
  readonly #bodiesAt: number;
  readonly #codeLength: number;
  readonly #free: () => void;
  #bodies = 0;

  constructor({ count, bodies, kind = 'entries' }: RangeRequest) {
    this.#entries = kind === 'entries' ? this.#code.entries : this.#code.handlerEntries();
    this.#codeLength = this.#entries.length(count);
    const selectorsOffset = pages(this.#codeLength);
    this.#bodiesAt = selectorsOffset + pages(count * 8);
    const length = this.#bodiesAt + pages(bodies * this.#code.bodySize);
    const fd = memfd_create('object-range', 'make a range');
    ftruncateSync(fd, length);
    const writable = mmap({ length, prot: PROT_READ | PROT_WRITE, flags: MAP_SHARED, fd }, 'make a range');
    const mapped = mapFile(fd, length, 2);
    this.addresses = mapped.addresses;
    this.#free = () => {
      mapped.free();
      munmap(writable, length);
    };
    const buffer = memoryAt(writable, length);
    this.#bytes = new Uint8Array(buffer);
    this.#bytes.set(this.#entries.code(count, { selectorsOffset }));
    this.#selectors = new BigInt64Array(buffer, selectorsOffset, count);
    for (let index = 0; index < count; index++) this.select(index, this.#entries.trapOffset(index));
  }

  /** Appends a body and returns its offset in the range. */
  append(contexts: ObjectContexts, random: Random): number {
    const at = this.#bodiesAt + this.#code.bodySize * this.#bodies++;
    this.#bytes.set(
      this.#code.body(contexts, () => random.word(), { offset: at, entriesLength: this.#codeLength }),
      at,
    );
    return at;
  }

  /** Sets the selector of an instance to an offset. */
  select(index: number, at: number): void {
    Atomics.store(this.#selectors, index, BigInt(at));
  }

  /** Returns the address of an instance in the first or second mapping. */
  entry(index: number, mapping: 0 | 1 = 0): bigint {
    return this.addresses[mapping]! + BigInt(this.#entries.firstOffset + index * this.#entries.stride);
  }

  free(): void {
    this.#free();
  }
}
