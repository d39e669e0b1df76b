/**
 * What a call of a freed trampoline meets in debug mode: a trampoline of ours that carries a message to
 * standard error, and then jumps to the freed one's own trap. So a debugger still shows where it happened.
 */
import type { CodePageMethodName } from '../codepage/method.js';
import { mapCode } from '../codepage/regions.js';
import { allocate, release } from '../linux/heap.js';
import { thisMachine } from '../linux/host.js';
import { FastBlocks } from './fast-blocks.js';
import { newTableNumber, registerBlocks } from './registry.js';
import { Slots } from './slots.js';

interface Farewells {
  readonly slots: Slots;
  readonly code: bigint;
  /** The registers in the order of the data words. */
  readonly order: readonly number[];
}

const byMethod = new Map<CodePageMethodName | undefined, Farewells>();

function farewells(method: CodePageMethodName | undefined): Farewells {
  let found = byMethod.get(method);
  if (found === undefined) {
    const farewell = thisMachine().farewell();
    const order = Object.values(farewell.registers).sort((a, b) => a - b);
    const slots = new Slots(
      new FastBlocks({ shape: { registers: order, stack: undefined }, method, isolated: false }),
    );
    registerBlocks(slots, { table: newTableNumber(), name: null, role: 'farewell', shared: true });
    const { address } = mapCode(() => farewell, { method, dataLength: 0 });
    found = { slots, code: address, order };
    byMethod.set(method, found);
  }
  return found;
}

export interface Farewell {
  /** Where to jump for it. */
  readonly address: bigint;
  /** Gives its memory back. */
  dispose(): void;
}

/** A farewell that prints `message` and goes on to `trap`. */
export function makeFarewell(
  method: CodePageMethodName | undefined,
  message: string,
  trap: bigint,
): Farewell {
  const { slots, code, order } = farewells(method);
  const { registers } = thisMachine().farewell();
  const bytes = new TextEncoder().encode(message);
  const text = allocate(bytes);
  const values = new Map([
    [registers.text, text],
    [registers.length, BigInt(bytes.length)],
    [registers.trap, trap],
  ]);
  const slot = slots.allocate();
  slots.fill(
    slot,
    new Uint32Array(BigUint64Array.from([code, ...order.map((number) => values.get(number)!)]).buffer),
  );
  return {
    address: slots.address(slot),
    dispose() {
      slots.free(slot);
      release(text);
    },
  };
}
