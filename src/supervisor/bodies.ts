/**
 * The bodies of a fast object: code with the values of one instance, written where no selector leads yet. Then
 * one store makes the selector lead there, and the body that it led to before waits until nobody can be in it.
 */

import { Refusal } from '../abi/refusal.js';
import { memoryAt } from '../linux/memory.js';
import { Retired } from '../local/retired.js';
import type { Machine, ObjectContexts } from '../machine/index.js';
import type { ObjectFile } from './object-file.js';
import { randomWord } from './random.js';

/** Replaced bodies that wait at most: what `Retired` keeps, and some more. */
const waiting = 65536 + 4096;

export interface BodyPlaces {
  readonly count: number;
  /** Bytes of the entries, and of what they share. */
  readonly codeLength: number;
  /** Where an instance without a body leads. */
  trapAt(index: number): number;
  readonly selectorsAt: number;
  readonly bodiesAt: number;
  readonly pageSize: number;
}

type Code = Pick<Machine['objectCode'], 'body' | 'bodySize'>;

export class Bodies {
  readonly #file: ObjectFile;
  readonly #places: BodyPlaces;
  readonly #code: Code;
  readonly #selectors: BigInt64Array;
  /** Which body each instance has; -1 for none. */
  readonly #current: Int32Array;
  readonly #free: number[] = [];
  readonly #retired = new Retired((body) => this.#free.push(body));
  #used = 0;

  constructor(file: ObjectFile, places: BodyPlaces, code: Code) {
    this.#file = file;
    this.#places = places;
    this.#code = code;
    const selectors = file.address + BigInt(places.selectorsAt);
    this.#selectors = new BigInt64Array(memoryAt(selectors, 8 * places.count));
    this.#current = new Int32Array(places.count).fill(-1);
  }

  /** Bytes to reserve: whole pages, of which only those are used that were written. */
  static length({ count, pageSize }: Pick<BodyPlaces, 'count' | 'pageSize'>, { bodySize }: Code): number {
    return Math.ceil(((count + waiting) * bodySize) / pageSize) * pageSize;
  }

  replace(index: number, contexts: ObjectContexts): void {
    const body = this.#free.shift() ?? this.#next();
    const { bodiesAt, codeLength } = this.#places;
    const at = bodiesAt + body * this.#code.bodySize;
    this.#file.write(at, this.#code.body(contexts, randomWord, { at, codeLength }));
    this.#lead(index, body, at);
  }

  remove(index: number): void {
    this.#lead(index, -1, this.#places.trapAt(index));
  }

  #lead(index: number, body: number, at: number): void {
    Atomics.store(this.#selectors, index, BigInt(at));
    const before = this.#current[index]!;
    this.#current[index] = body;
    if (before >= 0) this.#retired.add(before);
  }

  #next(): number {
    if (this.#used === this.#places.count + waiting) {
      throw new Refusal('EAGAIN', 'too many changes in a second; all bodies may still be running');
    }
    return this.#used++;
  }
}
