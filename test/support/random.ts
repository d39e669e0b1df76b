/** Random values for tests. The seed is printed, and `TRAMPFD_SEED` gives it back. */
import { randomInt } from 'node:crypto';
import type { TestContext } from 'node:test';
import { emulated } from './needs.js';

/**
 * How much to do: enough for every run, or with `TRAMPFD_LONG` as much as makes sense at all; the tenth of it where a
 * processor is emulated.
 */
export function rounds({ normal, long }: { normal: number; long: number }): number {
  const wanted = (process.env['TRAMPFD_LONG'] ?? '') === '' ? normal : long;
  return emulated ? Math.ceil(wanted / 10) : wanted;
}

/** A generator for one test. */
export function randomFor(t: TestContext): Random {
  const given = process.env['TRAMPFD_SEED'] ?? '';
  const seed = given === '' ? randomInt(2 ** 32) : Number(given);
  t.diagnostic(`TRAMPFD_SEED=${seed}`);
  return new Random(seed);
}

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 to 2^32-1: mulberry32, good enough to choose test cases. */
  u32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** A whole number from `from` to `to`, both included. */
  integer({ from = 0, to }: { from?: number; to: number }): number {
    return from + Math.floor((this.u32() / 2 ** 32) * (to - from + 1));
  }

  flip(): boolean {
    return this.u32() % 2 === 1;
  }

  pick<Value>(list: readonly Value[]): Value {
    return list[this.integer({ to: list.length - 1 })]!;
  }

  /** Some of a list, from none to all of it, in any order. */
  some<Value>(list: readonly Value[]): Value[] {
    const rest = [...list];
    const chosen = Array.from({ length: this.integer({ to: list.length }) }, () => {
      return rest.splice(this.integer({ to: rest.length - 1 }), 1);
    });
    return chosen.flat() as Value[];
  }

  /** 64 bits. */
  word(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32());
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length }, () => this.u32() & 0xff);
  }
}
