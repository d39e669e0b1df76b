/** Register handlers that the compiler must accept and reject. To compile this file is the test. */
import { createRegisterHandler, type RegisterHandler, registerContext } from 'trampfd';

export function handlers(trampoline: RegisterHandler): number {
  createRegisterHandler({ handler: registerContext.restoreAddress(), mode: 'fast', name: 'a name' });
  createRegisterHandler({ handler: trampoline });
  trampoline.update({ handler: trampoline });
  // @ts-expect-error the handler is missing
  createRegisterHandler({});
  // @ts-expect-error there are no slow ones
  createRegisterHandler({ handler: trampoline, mode: 'slow' });
  // @ts-expect-error an address is a bigint
  createRegisterHandler({ handler: 4096 });
  // @ts-expect-error a function of JavaScript has no address
  trampoline.update({ handler: () => {} });
  // @ts-expect-error it loads no registers of its own
  createRegisterHandler({ handler: trampoline, registers: {} });
  // @ts-expect-error a register that is not saved
  registerContext.offsets.xmm8;
  const { pc, arg0, result, vector7, xmm7, q7 } = registerContext.offsets;
  // @ts-expect-error only on x86-64
  xmm7.toFixed();
  return pc + arg0 + result + vector7 + (xmm7 ?? q7 ?? 0) + registerContext.size;
}
