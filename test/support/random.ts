/** Random values for tests. The seed is printed; `TRAMPFD_SEED` sets it. */
import { randomInt } from 'node:crypto';
import type { TestContext } from 'node:test';
import { emulated } from './needs.js';

/** Returns the number of rounds: `long` if `TRAMPFD_LONG` is set; a tenth on an emulated processor. */
export function rounds({ normal, long }: { normal: number; long: number }): number {
  const count = (process.env['TRAMPFD_LONG'] ?? '') === '' ? normal : long;
  return emulated ? Math.ceil(count / 10) : count;
}

/** Creates the generator of one test. */
export function randomFor(t: TestContext): Random {
  const variable = process.env['TRAMPFD_SEED'] ?? '';
  const seed = variable === '' ? randomInt(2 ** 32) : Number(variable);
  t.diagnostic(`TRAMPFD_SEED=${seed}`);
  return new Random(seed);
}

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Returns an integer from 0 to 2^32-1 (mulberry32). */
  u32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** Returns an integer from `from` to `to`, inclusive. */
  integer({ from = 0, to }: { from?: number; to: number }): number {
    return from + Math.floor((this.u32() / 2 ** 32) * (to - from + 1));
  }

  flip(): boolean {
    return this.u32() % 2 === 1;
  }

  pick<Value>(list: readonly Value[]): Value {
    return list[this.integer({ to: list.length - 1 })]!;
  }

  /** Returns a random subset in random order. */
  some<Value>(list: readonly Value[]): Value[] {
    const rest = [...list];
    const chosen = Array.from({ length: this.integer({ to: list.length }) }, () => {
      return rest.splice(this.integer({ to: rest.length - 1 }), 1);
    });
    return chosen.flat() as Value[];
  }

  /** Returns 64 random bits. */
  word(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32());
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length }, () => this.u32() & 0xff);
  }
}
