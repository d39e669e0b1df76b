import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createTrampoline, symbolAddress, TrampfdError } from 'trampfd';
import { callInt64, compare } from '../support/calls.js';

const memcmp = symbolAddress('memcmp');

for (const mode of ['fast', 'slow'] as const) {
  describe(`a ${mode} trampoline`, () => suite(mode));
}

function suite(mode: 'fast' | 'slow'): void {
  test('loads an argument that the caller does not pass', () => {
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
    trampoline.update({ registers: { pc: memcmp, arg2: 2n } });
    assert.equal(compare(address, 'ax', 'ay'), -1);
    trampoline.update({ registers: { pc: symbolAddress('getpid') } });
    assert.equal(callInt64(address), BigInt(process.pid));
    trampoline.update({ registers: { pc: memcmp, arg0: 0n, arg1: 0n, arg2: 0n } });
    assert.equal(compare(address, 'a', 'b'), 0);
    assert.equal(trampoline.address, address);
    trampoline.close();
  });

  test('has its contexts as properties, as they were written', () => {
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
    assert.equal(trampoline.stackData!.data[0], 1, 'it stores a copy and returns copies');
    assert.ok(Object.isFrozen(trampoline.registers));

    trampoline.update({ stackData: null });
    assert.equal(trampoline.stackData, undefined);
    trampoline.update({ stackData: { data: new Uint8Array() } });
    assert.equal(trampoline.stackData, undefined);
    trampoline.update({ allowedPcs: null });
    assert.equal(trampoline.allowedPcs, undefined);
    trampoline.update({ registers: null });
    assert.equal(trampoline.registers, undefined);
    trampoline.close();
  });

  test('jumps only to allowed PCs, checked when registers are set', () => {
    const getpid = symbolAddress('getpid');
    const getppid = symbolAddress('getppid');
    const trampoline = createTrampoline({ mode, registers: { pc: getpid }, allowedPcs: [getpid] });
    assert.throws(() => trampoline.update({ registers: { pc: getppid } }), /is not among the allowed PCs/);
    assert.equal(callInt64(trampoline.address), BigInt(process.pid), 'the refused change changed nothing');
    trampoline.update({ allowedPcs: [getppid] });
    // Registers that stay are not checked again. A slow trampoline checks when invoked; that would be a SIGSEGV.
    if (mode === 'fast') assert.equal(callInt64(trampoline.address), BigInt(process.pid));
    trampoline.update({ stackData: { data: new Uint8Array(8) } });
    assert.throws(() => trampoline.update({ registers: { pc: getpid } }), /is not among the allowed PCs/);
    trampoline.update({ registers: { pc: getppid } });
    assert.equal(callInt64(trampoline.address), BigInt(process.ppid));
    assert.throws(
      () => createTrampoline({ mode, registers: { pc: getpid }, allowedPcs: [getppid] }),
      RangeError,
    );
    trampoline.close();
  });

  test('refuses changes when frozen and methods when closed; properties stay', () => {
    const trampoline = createTrampoline({ mode, registers: { pc: memcmp, arg2: 1n }, name: 'one byte' });
    const { address } = trampoline;
    trampoline.freeze();
    for (const changes of [{ registers: { pc: memcmp } }, { stackData: null }, { allowedPcs: null }, {}]) {
      assert.throws(() => trampoline.update(changes), {
        name: 'TrampfdError',
        code: 'ERR_TRAMPFD_FROZEN',
        message: `Cannot update the trampoline "one byte" at 0x${address.toString(16)}: it is frozen`,
      });
    }
    trampoline.freeze();
    assert.equal(compare(address, 'ax', 'ay'), 0);

    trampoline.close();
    trampoline.close();
    trampoline[Symbol.dispose]();
    for (const use of [
      () => trampoline.freeze(),
      () => trampoline.stats(),
      () => trampoline.update({ registers: { pc: memcmp } }),
    ]) {
      assert.throws(
        use,
        (error) =>
          error instanceof TrampfdError &&
          error.code === 'ERR_TRAMPFD_CLOSED' &&
          /^Cannot .* the trampoline "one byte" at 0x[0-9a-f]+: it is closed$/.test(error.message),
      );
    }
    assert.equal(trampoline.address, address);
    assert.equal(trampoline.name, 'one byte');
    assert.equal(trampoline.mode, mode);
    assert.deepEqual(trampoline.registers, { pc: memcmp, arg2: 1n });
    assert.equal(trampoline.stackData, undefined);
    assert.equal(trampoline.allowedPcs, undefined);
    assert.equal(trampoline.allowedCallers, undefined);
  });

  test('an address is reused only after all others that are free', () => {
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

  test('stays closed if a getter of its new values closes it', () => {
    const trampoline = createTrampoline({ mode, registers: { pc: memcmp } });
    const sly = {
      get pc() {
        trampoline.close();
        return memcmp;
      },
    };
    assert.throws(() => trampoline.update({ registers: sly }), { code: 'ERR_TRAMPFD_CLOSED' });
  });

  test('updates several contexts at once, and leaves the others', () => {
    const getpid = symbolAddress('getpid');
    const stackData = { data: Uint8Array.of(1, 2, 3), offset: 8, setSp: false };
    using trampoline = createTrampoline({ mode, registers: { pc: memcmp }, stackData, allowedPcs: [memcmp] });
    trampoline.update({ registers: { pc: getpid }, allowedPcs: [getpid] });
    assert.deepEqual(trampoline.registers, { pc: getpid });
    assert.deepEqual(trampoline.allowedPcs, [getpid]);
    assert.deepEqual(trampoline.stackData, stackData);
    assert.equal(callInt64(trampoline.address), BigInt(process.pid));
    trampoline.update({});
    trampoline.update({ registers: undefined, stackData: undefined, allowedPcs: undefined });
    assert.deepEqual(trampoline.registers, { pc: getpid });
    assert.deepEqual(trampoline.stackData, stackData);
    trampoline.update({ registers: null, stackData: null, allowedPcs: null });
    for (const name of ['registers', 'stackData', 'allowedPcs'] as const) {
      assert.equal(trampoline[name], undefined);
    }
  });

  test('stays unchanged if one of the new values is refused', () => {
    const getpid = symbolAddress('getpid');
    const contexts = {
      registers: { pc: getpid, arg2: 1n },
      stackData: { data: Uint8Array.of(1, 2, 3), offset: 8, setSp: false },
      allowedPcs: [getpid, memcmp],
    };
    using trampoline = createTrampoline({ mode, ...contexts });
    const update = trampoline.update.bind(trampoline) as (changes?: unknown) => void;
    const good = {
      registers: { pc: memcmp },
      stackData: { data: Uint8Array.of(4) },
      allowedPcs: [memcmp],
      allowedCallers: null,
    };
    for (const [changes, message] of [
      [undefined, /^TypeError: changes must be an object, not undefined/],
      [null, /^TypeError: changes must be an object, not null/],
      [{ ...good, stack: null }, /^TypeError: changes has no property "stack"/],
      [{ ...good, registers: { arg2: 1n } }, /^TypeError: registers must set pc/],
      [
        { ...good, registers: { pc: getpid } },
        /^RangeError: registers\.pc 0x[0-9a-f]+ is not among the allowed/,
      ],
      [{ ...good, stackData: { data: 'text' } }, /^TypeError: stackData\.data must be a Uint8Array/],
      [{ ...good, allowedPcs: [0n] }, /^RangeError: allowedPcs\[0\] must not be 0/],
      [{ ...good, allowedCallers: [[2n, 1n]] }, /^RangeError: allowedCallers\[0\] is empty/],
      ...(mode === 'slow'
        ? []
        : [[{ ...good, allowedCallers: [[1n, 2n]] }, /^TypeError: allowedCallers is for slow/] as const]),
    ] as const) {
      assert.throws(() => update(changes), message);
      const { registers, stackData, allowedPcs } = trampoline;
      assert.deepEqual({ registers, stackData, allowedPcs }, contexts);
      assert.equal(callInt64(trampoline.address), BigInt(process.pid));
    }
    update(good);
    assert.deepEqual(trampoline.registers, { pc: memcmp });
  });

  test('is updated by a getter of new values, whose other contexts then stay', () => {
    using trampoline = createTrampoline({ mode, registers: { pc: memcmp } });
    const nesting = {
      get pc() {
        trampoline.update({ stackData: { data: Uint8Array.of(7) } });
        return symbolAddress('getpid');
      },
    };
    trampoline.update({ registers: nesting });
    assert.deepEqual(trampoline.stackData?.data, Uint8Array.of(7));
    assert.equal(callInt64(trampoline.address), BigInt(process.pid));
  });
}
