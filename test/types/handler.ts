/** What the compiler must accept and refuse of handlers. Compiling this file is the test. */
import { createHandlerTrampoline, type HandlerTrampoline, resumeRegisters, savedRegisters } from 'trampfd';

export function handlers(trampoline: HandlerTrampoline): number {
  createHandlerTrampoline({ handler: resumeRegisters(), mode: 'fast', name: 'a name' });
  createHandlerTrampoline({ handler: trampoline });
  trampoline.setHandler(trampoline);
  // @ts-expect-error the handler is missing
  createHandlerTrampoline({});
  // @ts-expect-error there are no slow ones
  createHandlerTrampoline({ handler: trampoline, mode: 'slow' });
  // @ts-expect-error an address is a bigint
  createHandlerTrampoline({ handler: 4096 });
  // @ts-expect-error a function of JavaScript has no address
  trampoline.setHandler(() => {});
  // @ts-expect-error it loads no registers of its own
  createHandlerTrampoline({ handler: trampoline, registers: {} });
  // @ts-expect-error a register that is not saved
  savedRegisters.offsets.xmm8;
  const { pc, arg0, result, vector7, xmm7, q7 } = savedRegisters.offsets;
  // @ts-expect-error only on x86-64
  xmm7.toFixed();
  return pc + arg0 + result + vector7 + (xmm7 ?? q7 ?? 0) + savedRegisters.size;
}
