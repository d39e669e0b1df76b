/** Register handlers as JavaScript objects: properties, errors, life cycle. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addressOf,
  createRegisterHandler,
  createTrampoline,
  disassemble,
  symbolAddress,
  TrampfdError,
} from 'trampfd';
import { callInt64 } from '../support/calls.js';

const getpid = symbolAddress('getpid');
const getppid = symbolAddress('getppid');

/** Without parameter types, for calls that only JavaScript can make. */
const make = createRegisterHandler as (options?: unknown) => ReturnType<typeof createRegisterHandler>;

test('wrong options are refused', () => {
  for (const [options, error] of [
    [undefined, /TypeError: handler must be a bigint or an object with an address, not undefined/],
    [{}, /TypeError: handler must be .*, not undefined/],
    [null, /TypeError: options must be an object, not null/],
    [{ handler: 4096 }, /TypeError: handler must be .*, not a number/],
    [{ handler: null }, /TypeError: handler must be .*, not null/],
    [{ handler: () => {} }, /TypeError: handler must be .*, not a function/],
    [{ handler: {} }, /TypeError: handler must be .*, not an? Object/],
    [{ handler: 0n }, /RangeError: handler must not be 0/],
    [{ handler: 2n ** 64n }, /RangeError: handler does not fit into 64 bits/],
    [
      { handler: { address: 4096 } },
      /TypeError: handler\.address must be a bigint, not a number: write 4096n/,
    ],
    [{ handler: { address: 0n } }, /RangeError: handler\.address must not be 0/],
    [{ handler: getpid, registers: {} }, /TypeError: options has no property "registers"; it takes mode/],
    [{ handler: getpid, name: '' }, /RangeError: name must be/],
    [{ handler: getpid, codeSource: 'magic' }, /RangeError: codeSource must be "memfd" or/],
    [{ handler: getpid, mode: 'slow' }, /RangeError: mode must be "fast": registers are saved by code/],
    [{ handler: getpid, mode: 'slow', codeSource: 'memfd' }, /RangeError: codeSource is for code/],
    [{ handler: 0x1000n, debug: true }, /RangeError: handler 0x1000 is not mapped/],
  ] as const) {
    assert.throws(() => make(options), error);
  }
  make({ handler: getpid, mode: 'fast' }).close();
});

test('has a handler, which can be replaced', () => {
  using trampoline = createRegisterHandler({ handler: getpid });
  const { address } = trampoline;
  assert.equal(trampoline.handler, getpid);
  trampoline.update({ handler: { address: getppid } });
  assert.equal(trampoline.handler, getppid);
  assert.equal(trampoline.address, address);
  const update = trampoline.update.bind(trampoline) as (changes?: unknown) => void;
  assert.throws(() => update(), /^TypeError: changes must be an object/);
  assert.throws(() => update({ handlers: getpid }), /^TypeError: changes has no property "handlers"/);
  assert.throws(() => update({ handler: 7 }), TypeError);
  assert.throws(() => update({ handler: null }), TypeError);
  assert.throws(() => update({ handler: 0n }), RangeError);
  update({});
  update({ handler: undefined });
  assert.equal(trampoline.handler, getppid, 'neither a refused change nor an empty one changes anything');
  // The words that are read: the address of the body, then the words of the body.
  const words = [...disassemble(address).matchAll(/# (0x[0-9a-f]+)$/gm)].map(([, word]) => BigInt(word!));
  assert.deepEqual(words.slice(1), [getppid, address]);
});

test('refuses changes when frozen and methods when closed; properties stay', () => {
  const trampoline = createRegisterHandler({ handler: getpid, name: 'spy' });
  trampoline.freeze();
  assert.throws(
    () => trampoline.update({ handler: getppid }),
    /^TrampfdError: Cannot update the register handler "spy" at 0x[0-9a-f]+: it is frozen$/,
  );
  const { address } = trampoline;
  callInt64(address);
  trampoline.close();
  trampoline.close();
  trampoline[Symbol.dispose]();
  for (const use of [() => trampoline.freeze(), () => trampoline.update({ handler: getpid })]) {
    assert.throws(
      use,
      (error) =>
        error instanceof TrampfdError &&
        error.code === 'ERR_TRAMPFD_CLOSED' &&
        /"spy" at/.test(error.message),
    );
  }
  assert.equal(trampoline.address, address);
  assert.equal(trampoline.handler, getpid);
  assert.equal(trampoline.name, 'spy');
});

test('a closed trampoline is refused as a handler', () => {
  const inner = createTrampoline({ registers: { pc: getpid } });
  inner.close();
  const error = { code: 'ERR_TRAMPFD_CLOSED', message: 'Cannot use handler: it is closed' };
  assert.throws(() => createRegisterHandler({ handler: inner }), error);
  const spy = createRegisterHandler({ handler: getpid });
  spy.close();
  using outer = createRegisterHandler({ handler: getpid });
  assert.throws(() => outer.update({ handler: spy }), error);
  assert.equal(outer.handler, getpid);
});

test('debug mode refuses a handler without code', () => {
  const data = new BigUint64Array(8);
  const handler = addressOf(data);
  assert.throws(
    () => createRegisterHandler({ handler, debug: true }),
    /handler 0x[0-9a-f]+ is in memory that is not executable/,
  );
  using good = createRegisterHandler({ handler: getpid, debug: true });
  assert.throws(() => good.update({ handler }), /is in memory that is not executable/);
  assert.equal(good.handler, getpid);
});

test('an address is reused only after all others that are free', () => {
  const first = createRegisterHandler({ handler: getpid });
  const { address } = first;
  first.close();
  let again = 0n;
  for (let count = 0; again !== address; count++) {
    assert.ok(count < 2 ** 17);
    again = createRegisterHandler({ handler: getpid }).address;
  }
});
