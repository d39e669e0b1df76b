/** A register handler has a stack frame with unwind information: exceptions and `backtrace` reach its caller. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createRegisterHandler, disassemble, type RegisterHandler, symbolAddress } from 'trampfd';
import { compileLibrary } from '../support/compile.js';
import koffi from '../support/koffi.js';
import { about, needs } from '../support/needs.js';

describe('unwinding from a handler', { skip: needs('g++') }, () => {
  const path = compileLibrary('handler-unwind', ['handler-unwind.cc']);
  const library = koffi.load(path);
  const func = (prototype: string) => library.func(prototype) as (...args: unknown[]) => number;
  const destroyed = func('int guards_destroyed_here()');
  const make = (handler: string): RegisterHandler =>
    createRegisterHandler({ handler: symbolAddress(handler, path) });

  test('C++ exceptions reach the caller, with its registers', () => {
    const catchFrom = func('long catch_from(uintptr_t, long, long, long, long, long)');
    using thrower = make('throw_argument');
    for (let round = 0; round < 100; round++) {
      const before = destroyed();
      assert.equal(catchFrom(thrower.address, round, 2, 3, 4, 5), 2 * round + 54320);
      assert.equal(destroyed(), before + 2);
    }
  });

  test('C++ exceptions pass several trampolines', () => {
    using thrower = make('throw_argument');
    using outer = make('call_next');
    func('void set_next(uintptr_t)')(thrower.address);
    const catchFrom = func('long catch_from(uintptr_t, long, long, long, long, long)');
    const before = destroyed();
    assert.equal(catchFrom(outer.address, 6, 5, 4, 3, 2), 2 * 6 + 23450);
    assert.equal(destroyed(), before + 3);
  });

  test('exceptions of several threads', () => {
    using thrower = make('throw_argument');
    assert.equal(func('int catch_in_threads(uintptr_t)')(thrower.address), 8 * 200);
  });

  test('an exception continues with the registers that the handler left', () => {
    using thrower = make('leave_caller_out');
    assert.equal(func('int skipped(uintptr_t)')(thrower.address), 2);
  });

  test('backtrace sees the trampoline and its caller', () => {
    using looking = make('look_back');
    // One step to the function that called it, another to the function that called that.
    assert.equal(func('int frames_from(uintptr_t)')(looking.address), 2);
  });

  test('the same in every region', () => {
    const many = Array.from({ length: 5000 }, () => make('look_back'));
    const framesFrom = func('int frames_from(uintptr_t)');
    for (const { address } of many) assert.equal(framesFrom(address), 2);
    for (const one of many) one.close();
  });

  test('the unwinder finds the caller from every instruction of the common part', {
    skip: about('x64'),
  }, () => {
    using stepping = make('give_back');
    const listing = disassemble(stepping.address).split('\n');
    const places = listing.map((line) => BigInt(`0x${line.split(':')[0]}`));
    const first = listing.findIndex((line) => line.endsWith('pushfq'));
    const wrong = func('int wrong_steps(uintptr_t, uint64_t, uint64_t)');
    assert.equal(wrong(stepping.address, places[first]!, places.at(-1)! + 1n), 0);
    assert.equal(func('int steps_taken()')(), places.length - first);
  });

  test('longjmp passes it', () => {
    using jumper = make('jump_with_argument');
    assert.equal(func('int jump_from(uintptr_t)')(jumper.address), 43);
  });

  test('pthread_exit runs destructors below it and above it', () => {
    using leaving = make('exit_with_argument');
    const before = destroyed();
    assert.equal(func('long exit_from(uintptr_t)')(leaving.address), 44);
    assert.equal(destroyed(), before + 2);
  });
});
