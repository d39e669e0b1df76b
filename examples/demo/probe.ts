/** The minimum that the demo needs: native code that calls native code. */
import { createTrampoline, symbolAddress } from 'trampfd';

createTrampoline({ registers: { pc: symbolAddress('getpid') } }).close();
