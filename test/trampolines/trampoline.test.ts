import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createTrampoline, symbolAddress, TrampfdError } from 'trampfd';
import { callInt64, compare } from '../support/calls.js';

const memcmp = symbolAddress('memcmp');

for (const mode of ['fast', 'slow'] as const) {
  describe(`a ${mode} trampoline`, () => suite(mode));
}

function suite(mode: 'fast' | 'slow'): void {
  test('loads an argument that the caller does not give', () => {
    const first = createTrampoline({ mode, registers: { pc: memcmp, arg2: 1n } });
    assert.equal(compare(first.address, 'ax', 'ay'), 0);
    const second = createTrampoline({ mode, registers: { pc: memcmp, arg2: 2n } });
    assert.equal(compare(second.address, 'ax', 'ay'), -1);
    assert.equal(compare(first.address, 'ax', 'ay'), 0);
    first.close();
    second.close();
  });

  test('changes its registers, their set and its target without changing its address', () => {
    const trampoline = createTrampoline({ mode, registers: { pc: memcmp, arg2: 1n } });
    const { address } = trampoline;
    trampoline.setRegisters({ pc: memcmp, arg2: 2n });
    assert.equal(compare(address, 'ax', 'ay'), -1);
    trampoline.setRegisters({ pc: symbolAddress('getpid') });
    assert.equal(callInt64(address), BigInt(process.pid));
    trampoline.setRegisters({ pc: memcmp, arg0: 0n, arg1: 0n, arg2: 0n });
    assert.equal(compare(address, 'a', 'b'), 0);
    assert.equal(trampoline.address, address);
    trampoline.close();
  });

  test('tells its contexts as they were written', () => {
    const data = Uint8Array.of(1, 2, 3);
    const trampoline = createTrampoline({
      mode,
      registers: { pc: memcmp, arg2: -1n },
      stackData: { data, offset: 8 },
      allowedPcs: [memcmp],
    });
    assert.deepEqual(trampoline.registers, { pc: memcmp, arg2: 2n ** 64n - 1n });
    assert.deepEqual(trampoline.stackData, { data: Uint8Array.of(1, 2, 3), offset: 8, setSp: false });
    assert.deepEqual(trampoline.allowedPcs, [memcmp]);

    data[0] = 99;
    trampoline.stackData!.data[0] = 99;
    assert.equal(trampoline.stackData!.data[0], 1, 'a copy was kept, and a copy was told');
    assert.ok(Object.isFrozen(trampoline.registers));

    trampoline.setStackData(null);
    assert.equal(trampoline.stackData, undefined);
    trampoline.setStackData({ data: new Uint8Array() });
    assert.equal(trampoline.stackData, undefined);
    trampoline.setAllowedPcs(null);
    assert.equal(trampoline.allowedPcs, undefined);
    trampoline.setRegisters(null);
    assert.equal(trampoline.registers, undefined);
    trampoline.close();
  });

  test('goes only to allowed PCs, checked when registers are set', () => {
    const getpid = symbolAddress('getpid');
    const getppid = symbolAddress('getppid');
    const trampoline = createTrampoline({ mode, registers: { pc: getpid }, allowedPcs: [getpid] });
    assert.throws(() => trampoline.setRegisters({ pc: getppid }), /is not among the allowed PCs/);
    assert.equal(callInt64(trampoline.address), BigInt(process.pid), 'the refused change changed nothing');
    trampoline.setAllowedPcs([getppid]);
    // Standing registers are not checked again; but a slow one is refused when it is invoked, and that kills.
    if (mode === 'fast') assert.equal(callInt64(trampoline.address), BigInt(process.pid));
    trampoline.setStackData({ data: new Uint8Array(8) });
    assert.throws(() => trampoline.setRegisters({ pc: getpid }), /is not among the allowed PCs/);
    trampoline.setRegisters({ pc: getppid });
    assert.equal(callInt64(trampoline.address), BigInt(process.ppid));
    assert.throws(
      () => createTrampoline({ mode, registers: { pc: getpid }, allowedPcs: [getppid] }),
      RangeError,
    );
    trampoline.close();
  });

  test('refuses changes when frozen, and everything when freed', () => {
    const trampoline = createTrampoline({ mode, registers: { pc: memcmp, arg2: 1n }, name: 'one byte' });
    const { address } = trampoline;
    trampoline.freeze();
    assert.throws(
      () => trampoline.setRegisters({ pc: memcmp }),
      /^TypeError: .*"one byte" at 0x[0-9a-f]+ is frozen/,
    );
    assert.throws(() => trampoline.setStackData(null), TypeError);
    assert.throws(() => trampoline.setAllowedPcs(null), TypeError);
    assert.equal(compare(address, 'ax', 'ay'), 0);

    trampoline.close();
    trampoline.close();
    trampoline[Symbol.dispose]();
    for (const use of [
      () => trampoline.address,
      () => trampoline.registers,
      () => trampoline.stackData,
      () => trampoline.allowedPcs,
      () => trampoline.freeze(),
      () => trampoline.setRegisters({ pc: memcmp }),
    ]) {
      assert.throws(
        use,
        (error) =>
          error instanceof TrampfdError && error.code === 'ERR_FREED' && /"one byte"/.test(error.message),
      );
    }
  });

  test('a place is used again only after all others that are free', () => {
    const make = () => createTrampoline({ mode, registers: { pc: memcmp } });
    const trampolines = [make(), make(), make()];
    const addresses = trampolines.map(({ address }) => address);
    for (const trampoline of trampolines) trampoline.close();
    const seen: bigint[] = [];
    for (let count = 0; seen.length < 3 && count < 2 ** 17; count++) {
      const trampoline = make();
      if (addresses.includes(trampoline.address)) seen.push(trampoline.address);
    }
    assert.deepEqual(seen, addresses);
  });

  test('a trampoline that is freed while its new values are read stays free', () => {
    const trampoline = createTrampoline({ mode, registers: { pc: memcmp } });
    const sly = {
      get pc() {
        trampoline.close();
        return memcmp;
      },
    };
    assert.throws(() => trampoline.setRegisters(sly), { code: 'ERR_FREED' });
  });
}
