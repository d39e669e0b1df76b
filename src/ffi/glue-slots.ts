/** Trampolines to the glue, which pass it two words in the registers of callbacks. */
import { hostMachine } from '../native/host.js';
import { nextTableId } from '../trampolines/debug/registry.js';
import { createInlineSlots } from '../trampolines/slots/slot-factory.js';
import type { Slots } from '../trampolines/slots/slots.js';

export const glueSlotOptions = { mode: 'fast', codeSource: undefined, isolated: false } as const;

/** @param name as debuggers and `trampfd inspect` show it */
export function createGlueSlots(name: string): Slots {
  const { callbackInterface, id } = hostMachine().ffi.callbackRegisters;
  const shape = { registers: [callbackInterface, id], stack: undefined };
  return createInlineSlots(shape, glueSlotOptions, { table: nextTableId(), name, shared: true }).value;
}
