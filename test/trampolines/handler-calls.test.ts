/** Register handlers called by C code: from threads, signal handlers, and other handlers. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CodeSource,
  createRegisterHandler,
  createTrampoline,
  disassemble,
  registerContext,
  symbolAddress,
  TrampfdError,
  viewMemory,
} from '#src/index.js';
import { mdweState } from '#src/linux/features.js';
import { callInt64 } from '../support/calls.js';
import { openHandlers } from '../support/handlers.js';
import koffi from '../support/koffi.js';
import { about, needs } from '../support/needs.js';
import { processor } from '../support/processor.js';
import { usedMethod } from '../support/used-method.js';

const { landingPad, savesFirst } = processor;
const methods: readonly CodeSource[] = ['memfd', 'template', 'file', 'rwx', 'remap'];
/** More than there are argument registers. */
const ten = Array(10).fill('int64_t').join();
const numbers = [1, 20, 300, 4000, 50000, 600000, 7000000, 80000000, 900000000, 1000000000];
const sumOfNumbers = 1987654321;

describe('a handler', { skip: needs('gcc') }, () => {
  const { address, func } = openHandlers();
  const integers = koffi.proto(`int64_t (${ten})`);

  test('receives integer and floating-point arguments and returns both kinds of results', () => {
    using sum = createRegisterHandler({ handler: address('sum_arguments') });
    const doubles = koffi.proto(`double (${ten}, ${Array(8).fill('double').join()})`);
    assert.equal(koffi.call(sum.address, integers, ...numbers), sumOfNumbers);
    const halves = numbers.slice(0, 8).map((number) => number / 2);
    assert.equal(koffi.call(sum.address, doubles, ...numbers, ...halves), 87654321 / 2);
  });

  test('can jump to another function, with the arguments and the stack of the caller', () => {
    const redirect = createRegisterHandler({ handler: address('redirect') });
    using sum = createRegisterHandler({ handler: address('sum_arguments') });
    const target = viewMemory(address('redirect_to'), 8);
    new BigUint64Array(target.buffer, target.byteOffset)[0] = sum.address;
    assert.equal(koffi.call(redirect.address, integers, ...numbers), sumOfNumbers);
    redirect.close();
  });

  test('can call a trampoline that has a handler, recursively', () => {
    const chain = viewMemory(address('chain'), 16 * 8);
    const addresses = new BigUint64Array(chain.buffer, chain.byteOffset, 16);
    const links = Array.from({ length: 10 }, () =>
      createRegisterHandler({ handler: address('next_of_chain') }),
    );
    links.forEach((link, index) => {
      addresses[index] = link.address;
    });
    // Each adds one to the argument on the way down and to the result on the way up.
    const call = koffi.proto('int64_t (int64_t)');
    assert.equal(koffi.call(links[0]!.address, call, 1000), 1018);
    // The same trampoline repeatedly.
    addresses.fill(links[3]!.address, 0, 12);
    assert.equal(koffi.call(links[3]!.address, call, 1000), 1022);
    for (const link of links) link.close();
  });

  test('is called by several threads at once', () => {
    using sum = createRegisterHandler({ handler: address('sum_arguments') });
    assert.equal(func('long wrong_in_threads(uintptr_t, int, long)')(sum.address, 8, 20_000), 0);
  });

  test('is replaced in one step while another thread calls', async () => {
    const handlers = [address('add_one'), address('add_thousand')] as const;
    using adding = createRegisterHandler({ handler: handlers[0] });
    func('void start_calls(uintptr_t)')(adding.address);
    for (let turn = 0; turn < 20_000; turn++) {
      adding.update({ handler: handlers[turn % 2]! });
      if (turn % 1000 === 0) await sleep(0);
    }
    assert.equal(func('long stop_calls()')(), 0);
    assert.equal(adding.handler, handlers[1]);
  });

  test('is called from a signal handler that has a stack of its own', () => {
    using trampoline = createRegisterHandler({ handler: address('look_at_stack') });
    assert.equal(func('int call_from_signal(uintptr_t)')(trampoline.address), 117);
  });

  test('is called with a signal after every instruction', { skip: about('x64') }, () => {
    using sum = createRegisterHandler({ handler: address('sum_arguments') });
    assert.equal(func('int64_t sum_step_by_step(uintptr_t)')(sum.address), sumOfNumbers);
    const instructions = disassemble(sum.address).split('\n').length;
    assert.ok(func('long signals_seen()')() > instructions);
  });

  test('can keep its block for restoreAddress(), which returns from the trampoline a second time', () => {
    using trampoline = createRegisterHandler({ handler: address('keep_registers') });
    assert.equal(
      func('int return_twice(uintptr_t, uintptr_t)')(trampoline.address, registerContext.restoreAddress()),
      2,
    );
  });

  test('can be a trampoline', () => {
    using inner = createTrampoline({ registers: { pc: symbolAddress('getpid') } });
    using outer = createRegisterHandler({ handler: inner });
    assert.equal(outer.handler, inner.address);
    callInt64(outer.address);
    outer.update({ handler: { address: address('look_at_stack') } });
    assert.equal(callInt64(outer.address), 17n);
  });

  test('can be a JavaScript callback of koffi, and close its trampoline', () => {
    const { offsets, size } = registerContext;
    const seen: bigint[] = [];
    const callback = koffi.register(
      (saved: number, trampoline: number) => {
        const block = Buffer.from(viewMemory(BigInt(saved), size).buffer);
        seen.push(BigInt(trampoline), block.readBigInt64LE(offsets.arg1));
        block.writeBigInt64LE(-5n, offsets.result);
        spy.close();
      },
      koffi.pointer(koffi.proto('void (uintptr_t, uintptr_t)')),
    );
    const spy = createRegisterHandler({ handler: koffi.address(callback) });
    const { address } = spy;
    assert.equal(koffi.call(address, integers, ...numbers), -5);
    assert.deepEqual(seen, [address, 20n]);
    assert.throws(() => spy.freeze(), { code: 'ERR_TRAMPFD_CLOSED' });
    koffi.unregister(callback);
  });

  for (const method of methods) {
    test(`works by ${method}`, () => {
      const make = () => createRegisterHandler({ handler: address('sum_arguments'), codeSource: method });
      if (mdweState() === true && (method === 'rwx' || method === 'remap')) {
        assert.throws(make, (error) => error instanceof TrampfdError && error.code === 'EACCES');
        return;
      }
      const sums = Array.from({ length: 300 }, make);
      for (const { address } of sums) assert.equal(koffi.call(address, integers, ...numbers), sumOfNumbers);
      // The entry, its body, and the code that the body jumps to.
      const starts = new RegExp(`^([0-9a-f]+): .*(${landingPad}|${savesFirst})`, 'gm');
      const pieces = [...disassemble(sums[299]!.address).matchAll(starts)];
      assert.equal(pieces.length, 3);
      for (const [, start] of pieces) assert.equal(usedMethod(BigInt(`0x${start}`)), method);
      for (const sum of sums) sum.close();
    });
  }
});
