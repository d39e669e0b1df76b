/** Passes `puts` with a bound argument to `atexit`, which calls functions without arguments. */
import koffi from 'koffi';
import { createTrampoline, cString, symbolAddress } from 'trampfd';
import { show } from './show.js';

/** glibc's `atexit` is linked statically into each C program, and calls this function. */
const cxaAtexit = koffi
  .load(null)
  .func('int __cxa_atexit(uintptr_t function, void *argument, void *library)');

export function sayGoodbye(text: string): void {
  const goodbye = createTrampoline({
    name: 'goodbye',
    registers: { pc: symbolAddress('puts'), arg0: cString(text) },
  });
  show('puts(text)', goodbye);
  if (cxaAtexit(goodbye.address, null, null) !== 0) throw new Error('atexit refused');
  console.log('\n  The text appears when the process ends.');
}
