/** The object that stands for a handler trampoline: what it tells, what it refuses, what becomes of it. */
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

/** A call that the types forbid, as JavaScript can make it. */
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
    [{ handler: 0n }, /RangeError: handler is 0, and nothing can be called there/],
    [{ handler: 2n ** 64n }, /RangeError: handler does not fit into 64 bits/],
    [
      { handler: { address: 4096 } },
      /TypeError: handler\.address must be a bigint, not a number: write 4096n/,
    ],
    [{ handler: { address: 0n } }, /RangeError: handler\.address is 0/],
    [{ handler: getpid, registers: {} }, /TypeError: options has no property "registers"; it takes mode/],
    [{ handler: getpid, name: '' }, /RangeError: name must be/],
    [{ handler: getpid, method: 'magic' }, /RangeError: method must be "memfd" or/],
    [{ handler: getpid, mode: 'slow' }, /RangeError: mode must be "fast": what saves registers is code/],
    [{ handler: getpid, mode: 'slow', method: 'memfd' }, /RangeError: method is about code/],
    [{ handler: 0x1000n, debug: true }, /RangeError: handler 0x1000 is not mapped/],
  ] as const) {
    assert.throws(() => make(options), error);
  }
  make({ handler: getpid, mode: 'fast' }).close();
});

test('tells its handler, and takes another', () => {
  using trampoline = createRegisterHandler({ handler: getpid });
  const { address } = trampoline;
  assert.equal(trampoline.handler, getpid);
  trampoline.setHandler({ address: getppid });
  assert.equal(trampoline.handler, getppid);
  assert.equal(trampoline.address, address);
  const set = trampoline.setHandler.bind(trampoline) as (handler: unknown) => void;
  assert.throws(() => set(7), TypeError);
  assert.throws(() => set(0n), RangeError);
  assert.equal(trampoline.handler, getppid, 'a refused change changes nothing');
  // The words that are read: where the entry leads, then those of the body.
  const words = [...disassemble(address).matchAll(/# (0x[0-9a-f]+)$/gm)].map(([, word]) => BigInt(word!));
  assert.deepEqual(words.slice(1), [getppid, address]);
});

test('refuses changes when frozen, and everything when freed', () => {
  const trampoline = createRegisterHandler({ handler: getpid, name: 'spy' });
  trampoline.freeze();
  assert.throws(
    () => trampoline.setHandler(getppid),
    /^TypeError: Cannot set the handler: the handler trampoline "spy" at 0x[0-9a-f]+ is frozen$/,
  );
  callInt64(trampoline.address);
  trampoline.close();
  trampoline.close();
  trampoline[Symbol.dispose]();
  for (const use of [
    () => trampoline.address,
    () => trampoline.handler,
    () => trampoline.freeze(),
    () => trampoline.setHandler(getpid),
  ]) {
    assert.throws(
      use,
      (error) =>
        error instanceof TrampfdError && error.code === 'ERR_FREED' && /"spy" at/.test(error.message),
    );
  }
});

test('a freed trampoline is no handler', () => {
  const inner = createTrampoline({ registers: { pc: getpid } });
  inner.close();
  assert.throws(() => createRegisterHandler({ handler: inner }), { code: 'ERR_FREED' });
});

test('debug mode refuses a handler without code', () => {
  const data = new BigUint64Array(8);
  const handler = addressOf(data);
  assert.throws(
    () => createRegisterHandler({ handler, debug: true }),
    /handler 0x[0-9a-f]+ lies in memory that is not executable/,
  );
  using good = createRegisterHandler({ handler: getpid, debug: true });
  assert.throws(() => good.setHandler(handler), /lies in memory that is not executable/);
  assert.equal(good.handler, getpid);
});

test('a place is used again only after all others that are free', () => {
  const first = createRegisterHandler({ handler: getpid });
  const { address } = first;
  first.close();
  let again = 0n;
  for (let count = 0; again !== address; count++) {
    assert.ok(count < 2 ** 17);
    again = createRegisterHandler({ handler: getpid }).address;
  }
});
