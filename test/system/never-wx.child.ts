/** Creates, changes, closes and recreates trampolines of every kind, to run all code that maps memory. */
import { createTrampoline, createTrampolineTable, symbolAddress } from 'trampfd';

const pc = symbolAddress('abs');

for (let round = 0; round < 3; round++) {
  for (const options of [{}, { atomic: true }, { isolated: true }, { atomic: true, isolated: true }]) {
    const table = createTrampolineTable({ registers: ['arg0', 'arg1'], ...options });
    const addresses = table.addMany({ pc, arg0: 1n, arg1: 2n }, 70_000);
    for (const address of addresses.subarray(0, 1000)) table.set(address, { arg0: 3n });
    for (const address of addresses.subarray(1000)) table.delete(address);
    table.addMany({ pc, arg0: 1n, arg1: 2n }, 70_000);
    if (round === 1) table.freeze();
    table.close();
  }
  for (const debug of [false, true]) {
    const single = createTrampoline({ registers: { pc, arg0: 1n }, debug });
    single.update({ registers: { pc, arg1: 1n, arg2: 2n } });
    single.update({ stackData: { data: Uint8Array.of(1, 2, 3) } });
    single.update({ registers: null });
    single.close();
  }
}
