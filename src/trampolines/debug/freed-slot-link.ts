/** In debug mode: makes a freed slot jump to the code that reports the call, and finds the trap that follows. */
import { emptyShape } from '../../core/shape.js';
import type { Mode } from '../options.js';
import { noInvocationChecks } from '../slots/bodies.js';
import type { SlotNumber, Slots } from '../slots/slots.js';
import { SlowBodies } from '../slots/slow-bodies.js';

/** How a freed slot jumps to its freed-call reporter; depends on the mode. */
export interface FreedSlotLink {
  /** Returns the address at which the reporter ends, by a fault that identifies the slot. */
  trapAddressOf(slot: SlotNumber): bigint;
  /** Returns the word that makes a slot jump to an address. */
  createWord(target: bigint): bigint;
  /** Frees what a word points to; no slot has the word any more. */
  releaseWord(word: bigint): void;
}

export function createFreedSlotLink(slots: Slots, mode: Mode): FreedSlotLink {
  if (mode === 'fast') {
    return {
      trapAddressOf: (slot) => slots.loadWord(slot, 0),
      createWord: (target) => target,
      releaseWord() {},
    };
  }
  const jumpBodies = new SlowBodies(emptyShape);
  return {
    // No slot starts at this address, so the fault handler passes the fault on to the program.
    trapAddressOf: (slot) => slots.address(slot) + 1n,
    createWord: (target) => jumpBodies.create(BigUint64Array.of(target), noInvocationChecks),
    releaseWord: (word) => jumpBodies.retire(word),
  };
}
