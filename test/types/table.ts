/** Tables that the compiler must accept and reject. To compile this file is the test. */
import {
  createTrampoline,
  createTrampolineTable,
  type RegisterValues,
  type Trampoline,
  type TrampolineTable,
} from 'trampfd';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_equal: Equal<A, B>): void => {};

export function tables(pc: bigint): void {
  const table = createTrampolineTable({ registers: ['arg2', 'chain'] });
  same<typeof table, TrampolineTable<'arg2' | 'chain', undefined>>(true);
  const address = table.add({ pc, arg2: 1n, chain: 2n });
  same<typeof address, bigint>(true);
  same<NonNullable<ReturnType<typeof table.get>>['arg2'], bigint>(true);

  // @ts-expect-error a register is missing
  table.add({ pc, arg2: 1n });
  // @ts-expect-error the PC is missing
  table.add({ arg2: 1n, chain: 2n });
  // @ts-expect-error a register is misspelt
  table.add({ pc, arg2: 1n, chian: 2n });
  // @ts-expect-error a register that this table does not load
  table.add({ pc, arg2: 1n, chain: 2n, arg3: 3n });
  // @ts-expect-error a number where a bigint must be
  table.add({ pc, arg2: 1, chain: 2n });
  // @ts-expect-error stack data that this table does not have
  table.add({ pc, arg2: 1n, chain: 2n, stackData: new Uint8Array(8) });
  // @ts-expect-error an address is a bigint
  table.delete(Number(address));
  table.set(address, { arg2: 1n });
  // @ts-expect-error a misspelt register is wrong in a change, too
  table.set(address, { agr2: 1n });
  table.addMany({ pc, arg2: new BigUint64Array(4), chain: (index) => BigInt(index) });
  table.addMany(4, (index) => ({ pc, arg2: BigInt(index), chain: 0n }));
  // @ts-expect-error a column is missing
  table.addMany({ pc, arg2: new BigUint64Array(4) });
  // @ts-expect-error a column of 32-bit values
  table.addMany({ pc, arg2: new Uint32Array(4), chain: 1n });
  // @ts-expect-error a function that leaves a register out
  table.addMany(4, (index) => ({ pc, arg2: BigInt(index) }));
}

export function shapes(pc: bigint): void {
  // @ts-expect-error no such register
  createTrampolineTable({ registers: ['arg7'] });
  // @ts-expect-error every table has a PC
  createTrampolineTable({ registers: ['pc'] });
  // @ts-expect-error the registers are missing
  createTrampolineTable({});
  // @ts-expect-error no such option
  createTrampolineTable({ registers: [], atomically: true });
  // @ts-expect-error a table's stack data has a size; the bytes come with each trampoline
  createTrampolineTable({ registers: [], stackData: { data: new Uint8Array(8) } });
  const withStack = createTrampolineTable({ registers: [], stackData: { size: 8 } });
  withStack.add({ pc, stackData: new Uint8Array(8) });
  // @ts-expect-error stack data is missing
  withStack.add({ pc });
  for (const [address, values] of withStack) {
    same<typeof address, bigint>(true);
    same<typeof values.stackData, Uint8Array>(true);
  }
  const exact = createTrampolineTable({ registers: ['rdx'] });
  // @ts-expect-error the table goes by the names that it was made with
  exact.add({ pc, arg2: 1n });
}

export function trampolines(pc: bigint): void {
  const trampoline = createTrampoline({ registers: { pc, arg0: 1n } });
  same<typeof trampoline, Trampoline>(true);
  same<typeof trampoline.registers, RegisterValues | undefined>(true);
  // @ts-expect-error the registers are missing
  createTrampoline({});
  // @ts-expect-error no such register
  createTrampoline({ registers: { pc, arg6: 1n } });
  // @ts-expect-error a number where a bigint must be
  createTrampoline({ registers: { pc, arg0: 1 } });
  // @ts-expect-error a mode that does not exist
  createTrampoline({ registers: { pc }, mode: 'medium' });
  // @ts-expect-error the address cannot be set
  trampoline.address = 1n;
  // @ts-expect-error told registers cannot be changed in place
  trampoline.registers!.arg0 = 2n;
  // @ts-expect-error the handle is an interface; only createTrampoline makes one
  new Trampoline({ registers: { pc } });
  trampoline.update({ registers: null, stackData: undefined, allowedPcs: [pc] });
  // @ts-expect-error a context that does not exist
  trampoline.update({ stack: null });
  // @ts-expect-error the mode cannot change
  trampoline.update({ mode: 'slow' });
  using disposed = trampoline;
  void disposed;
}
