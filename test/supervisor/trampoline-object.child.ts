/** Tests of `trampfd/object`: `trampoline-object subject [mode]` prints EXIT-SUCCESS. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { symbolAddress, TrampfdError } from 'trampfd';
import {
  createTrampolineObject,
  openTrampolineObject,
  receiveTrampolineObject,
  type TrampolineObjectOptions,
} from 'trampfd/object';
import koffi from '../support/koffi.js';

const compare = koffi.proto('int object_compare(const char *, const char *)');
const call = (address: bigint) => Math.sign(koffi.call(address, compare, 'abcX', 'abcY') as number);
const [memcmp, strncmp] = [symbolAddress('memcmp'), symbolAddress('strncmp')];

const subjects: Record<string, (mode: TrampolineObjectOptions['mode']) => void | Promise<void>> = {
  contexts(mode) {
    const object = createTrampolineObject({ mode: mode ?? 'fast' });
    assert.deepEqual(
      [object.registers(), object.stackData(), object.allowedPcs()],
      [undefined, undefined, undefined],
    );
    if (mode === 'slow') {
      object.setAllowedCallers([[1n, 2n ** 47n]]);
      assert.deepEqual(object.allowedCallers(), [[1n, 2n ** 47n]]);
    } else {
      assert.throws(() => object.setAllowedCallers([[1n, 2n]]), { code: 'EINVAL' });
    }
    object.setAllowedPcs([memcmp, strncmp]);
    object.setRegisters({ pc: memcmp, arg2: 3n });
    const { address } = object.map();
    assert.equal(call(address), 0);
    object.setRegisters({ pc: strncmp, arg2: 4n });
    assert.equal(call(address), -1);
    assert.deepEqual(Object.values(object.registers()!), [strncmp, 4n]);
    assert.throws(() => object.setRegisters({ pc: 1n, arg2: 3n }), RangeError);
    assert.equal(call(address), -1);

    const data = Uint8Array.of(1, 2, 3);
    object.setStackData({ data, offset: 200 });
    assert.deepEqual(object.stackData(), { data, offset: 200, setSp: false });
    object.setStackData(null);
    object.setAllowedPcs(null);
    assert.deepEqual([object.stackData(), object.allowedPcs()], [undefined, undefined]);
    object.setRegisters({ pc: memcmp, arg2: 3n });
    assert.equal(call(address), 0);
    assert.equal(inspect(object), `TrampolineObject { fd: ${object.fd} }`);
    // The mapping keeps the object alive.
    object.close();
    object.close();
    assert.equal(call(address), 0);
    assert.deepEqual([object.fd, inspect(object)], [-1, 'TrampolineObject { closed }']);
    assert.throws(() => object.registers(), { code: 'ERR_TRAMPFD_CLOSED' });
  },

  instances(mode) {
    const count = 300;
    const object = createTrampolineObject({ mode: mode ?? 'fast', count });
    for (let i = 0; i < count; i++) object.setRegisters({ pc: memcmp, arg2: BigInt(i % 5) }, i);
    const mapping = object.map();
    for (let i = 0; i < count; i++) assert.equal(call(mapping.addressOf(i)), i % 5 === 4 ? -1 : 0, `${i}`);
    const second = object.map();
    assert.notEqual(second.address, mapping.address);
    mapping.unmap();
    assert.equal(call(second.addressOf(4)), -1);
    assert.throws(
      () => object.registers(count),
      (error) => error instanceof RangeError || error instanceof TrampfdError,
    );
  },

  async send() {
    const object = createTrampolineObject();
    object.setRegisters({ pc: memcmp, arg2: 3n });
    const sockets = socketPair();
    object.send(sockets[0]!);
    const received = receiveTrampolineObject(sockets[1]!);
    assert.notEqual(received.fd, object.fd);
    const { address } = received.map();
    object.setRegisters({ pc: memcmp, arg2: 4n });
    assert.equal(call(address), -1);
    assert.deepEqual(received.registers(), object.registers());
    // A child maps the inherited object. It reports the address of its own function, to which the object then jumps.
    const self = fileURLToPath(import.meta.url);
    const child = spawn(process.execPath, [self, 'child'], { stdio: ['pipe', 'pipe', 'inherit', object.fd] });
    const [target] = (await once(child.stdout!, 'data')) as [Buffer];
    object.setRegisters({ pc: BigInt(target.toString()), arg2: 4n });
    child.stdin!.end();
    const [output] = (await once(child.stdout!, 'data')) as [Buffer];
    assert.equal(output.toString(), 'EXIT-SUCCESS\n');
    assert.throws(() => object.send(1_000_000), { code: 'EBADF' });
  },

  async child() {
    console.log(String(memcmp));
    process.stdin.resume();
    await once(process.stdin, 'end');
    assert.equal(call(openTrampolineObject(3).map().address), -1);
  },

  'bad-input'() {
    const bad = createTrampolineObject as (options: unknown) => unknown;
    for (const count of [0, -1, 1.5, 65_537, Number.NaN]) assert.throws(() => bad({ count }), RangeError);
    assert.throws(() => bad({ count: '1' }), TypeError);
    assert.throws(() => bad({ mode: 'quick' }), RangeError);
    assert.throws(() => bad({ size: 1 }), TypeError);
    const object = createTrampolineObject();
    assert.throws(() => object.setRegisters({ arg0: 1n } as never), TypeError);
    assert.throws(() => object.setStackData({ data: new Uint8Array(65) }), RangeError);
    assert.throws(() => object.setRegisters({ pc: memcmp }, 1), Error);
    assert.throws(() => openTrampolineObject(-1), RangeError);
    assert.throws(() => openTrampolineObject(0).map(), TrampfdError);
    const file = openTrampolineObject(openSync(process.execPath, 'r'));
    for (const use of [() => file.map(), () => file.registers(), () => file.setRegisters({ pc: memcmp })]) {
      assert.throws(use, { code: 'ERR_TRAMPFD_NOT_TRAMPFD' });
    }
    file.close();
    assert.equal(object.registers(), undefined);
  },
};

function socketPair(): Int32Array {
  const sockets = new Int32Array(2);
  const make = koffi.load(null).func('int socketpair(int, int, int, void *)');
  assert.equal(make(1, 1, 0, sockets), 0);
  return sockets;
}

const [subject, mode] = process.argv[2]!.split(' ');
try {
  await subjects[subject!]!(mode as 'fast');
  console.log('EXIT-SUCCESS');
} catch (error) {
  if (!(error instanceof TrampfdError)) throw error;
  console.log(`${error.code} ${error.message}`);
  process.exitCode = 1;
}
