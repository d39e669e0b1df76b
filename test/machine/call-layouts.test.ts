/** Call layouts by the rules of each calling convention, case by case. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parsePrototype } from '#src/ffi/prototype/parse.js';
import { struct } from '#src/index.js';
import * as arm64 from '#src/machine/arm64/calling-convention.js';
import type { RegisterPiece } from '#src/machine/call-layout.js';
import * as x64 from '#src/machine/x64/calling-convention.js';

describe('call layout on x86-64', () => {
  const layout = (signature: unknown) => x64.callLayout(parsePrototype(signature, x64.cPlatform));

  test('without arguments and result', () => {
    assert.deepEqual(layout('void (void)'), {
      args: [],
      result: { in: 'nothing' },
      registers: { general: 0, vector: 0 },
      stackSize: 0,
    });
  });

  test('takes registers of both kinds in order', () => {
    assert.deepEqual(layout('double (int, float, const char *, double)'), {
      args: [
        inRegisters({ bank: 'general', index: 0, offset: 0, size: 4 }),
        inRegisters({ bank: 'vector', index: 0, offset: 0, size: 4 }),
        inRegisters({ bank: 'general', index: 1, offset: 0, size: 8 }),
        inRegisters({ bank: 'vector', index: 1, offset: 0, size: 8 }),
      ],
      result: inRegisters({ bank: 'vector', index: 0, offset: 0, size: 8 }),
      registers: { general: 2, vector: 2 },
      stackSize: 0,
    });
  });

  test('splits a structure; registers too few for one value remain for the next', () => {
    const mixed = struct({ a: 'int', b: 'char', c: 'float', d: 'float' });
    const pair = struct({ first: 'long', second: 'long' });
    const signature = { result: mixed, args: ['long', 'long', 'long', 'long', mixed, pair, 'int'] };
    const { args, result, registers, stackSize } = layout(signature);
    assert.deepEqual(args.slice(4), [
      inRegisters(
        { bank: 'general', index: 4, offset: 0, size: 8 },
        { bank: 'vector', index: 0, offset: 8, size: 8 },
      ),
      { in: 'stack', offset: 0 },
      inRegisters({ bank: 'general', index: 5, offset: 0, size: 4 }),
    ]);
    assert.deepEqual(
      result,
      inRegisters(
        { bank: 'general', index: 0, offset: 0, size: 8 },
        { bank: 'vector', index: 0, offset: 8, size: 8 },
      ),
    );
    assert.deepEqual([registers, stackSize], [{ general: 6, vector: 1 }, 16]);
  });

  test('uses the first general register for the address of a result in memory', () => {
    const large = struct({ bytes: 'char[17]' });
    const { args, result, registers, stackSize } = layout({ result: large, args: ['int', large, 'double'] });
    assert.deepEqual(result, { in: 'memory', address: 0 });
    assert.deepEqual(args, [
      inRegisters({ bank: 'general', index: 1, offset: 0, size: 4 }),
      { in: 'stack', offset: 0 },
      inRegisters({ bank: 'vector', index: 0, offset: 0, size: 8 }),
    ]);
    assert.deepEqual([registers, stackSize], [{ general: 2, vector: 1 }, 24]);
  });
});

describe('call layout on arm64', () => {
  const layout = (signature: unknown) => arm64.callLayout(parsePrototype(signature, arm64.cPlatform));
  const general = (index: number, size = 8) => inRegisters({ bank: 'general', index, offset: 0, size });
  const vector = (index: number, size: number) => inRegisters({ bank: 'vector', index, offset: 0, size });

  test('takes registers of both kinds in order', () => {
    assert.deepEqual(layout('double (int, float, const char *, double)'), {
      args: [general(0, 4), vector(0, 4), general(1), vector(1, 8)],
      result: vector(0, 8),
      registers: { general: 2, vector: 2 },
      stackSize: 0,
    });
  });

  test('passes each member of a homogeneous aggregate in its own register', () => {
    const inner = struct({ y: 'float[2]' });
    const three = struct({ x: 'float', inner });
    const { args, result, registers } = layout({ result: three, args: ['float', three] });
    const members = (first: number) =>
      [0, 1, 2].map((member) => ({
        bank: 'vector' as const,
        index: first + member,
        offset: 4 * member,
        size: 4,
      }));
    assert.deepEqual(args, [vector(0, 4), inRegisters(...members(1))]);
    assert.deepEqual(result, inRegisters(...members(0)));
    assert.deepEqual(registers, { general: 0, vector: 4 });
  });

  test('passes at most 4 members of one type in vector registers', () => {
    const { args } = layout({
      result: 'void',
      args: [struct({ x: 'double[4]' }), struct({ x: 'double[5]' }), struct({ x: 'float', y: 'double' })],
    });
    assert.equal(args[0]!.in, 'registers');
    assert.deepEqual(args[1], { in: 'memory', address: general(0) });
    const words = [0, 1].map((word) => ({
      bank: 'general' as const,
      index: 1 + word,
      offset: 8 * word,
      size: 8,
    }));
    assert.deepEqual(args[2], inRegisters(...words));
  });

  test('uses no register of a bank after a value that did not fit into it', () => {
    const pair = struct({ first: 'long', second: 'long' });
    const planes = struct({ x: 'double[2]' });
    const { args, registers, stackSize } = layout({
      result: 'void',
      args: [
        ...Array<string>(7).fill('long'),
        pair,
        'int',
        ...Array<string>(7).fill('double'),
        planes,
        'float',
      ],
    });
    assert.deepEqual(args.slice(7, 9), [
      { in: 'stack', offset: 0 },
      { in: 'stack', offset: 16 },
    ]);
    assert.deepEqual(
      args.slice(9, 16),
      [0, 1, 2, 3, 4, 5, 6].map((index) => vector(index, 8)),
    );
    assert.deepEqual(args.slice(16), [
      { in: 'stack', offset: 24 },
      { in: 'stack', offset: 40 },
    ]);
    assert.deepEqual([registers, stackSize], [{ general: 7, vector: 7 }, 48]);
  });

  test('passes values larger than two registers by address, and the address of such a result in x8', () => {
    const large = struct({ bytes: 'char[17]' });
    const { args, result, registers, stackSize } = layout({
      result: large,
      args: [...Array<string>(7).fill('int'), large, large],
    });
    assert.deepEqual(args.slice(7), [
      { in: 'memory', address: general(7) },
      { in: 'memory', address: { in: 'stack', offset: 0 } },
    ]);
    assert.deepEqual(result, { in: 'memory', address: 8 });
    assert.deepEqual([registers, stackSize], [{ general: 8, vector: 0 }, 8]);
  });
});

test('platform types differ between architectures', () => {
  assert.equal(x64.cPlatform.char.signed, true);
  assert.equal(arm64.cPlatform.char.signed, false);
});

function inRegisters(...pieces: RegisterPiece[]) {
  return { in: 'registers' as const, pieces };
}
