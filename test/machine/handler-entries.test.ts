/** Entries of supervised handlers: the saved registers, and the effect of changes to them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRegisters } from '#src/core/contexts.js';
import {
  createCallback,
  nativeFunction,
  type RegisterName,
  registerContext,
  viewMemory,
} from '#src/index.js';
import { hostMachine } from '#src/native/host.js';
import { ObjectRange } from '../support/object-range.js';
import { randomFor } from '../support/random.js';

const { size, offsets } = registerContext;
const { supervised: objectCode, registerFile } = hostMachine();
/** Register of integer results. */
const { result } = offsets;

test('a handler receives the registers and the trampoline, and its changes take effect', (t) => {
  const random = randomFor(t);
  const count = 100;
  const range = new ObjectRange({ count, bodies: 2 * count, kind: 'handlerEntries' });
  const seen: unknown[] = [];
  const handlers = [1n, 2n].map((number) =>
    createCallback('void (void *saved, void *trampoline)', (saved, trampoline) => {
      const block = new DataView(viewMemory(saved!, size).buffer);
      const args = (['arg0', 'arg1', 'arg2', 'arg3', 'arg4', 'arg5'] satisfies RegisterName[]).map((name) =>
        block.getBigUint64(offsets[name]!, true),
      );
      seen.push([number, trampoline, ...args]);
      block.setBigUint64(
        result,
        args.reduce((sum, arg) => sum + arg, number),
        true,
      );
    }),
  );
  const body = handlers.map(({ address }) => {
    const { pc, assignments } = parseRegisters({ pc: address }, registerFile);
    return range.append({ pc, assignments, stack: undefined }, random);
  });
  for (let index = 0; index < count; index++) {
    for (const which of [0, 1] as const) {
      range.select(index, body[which]!);
      const entry = range.entry(index, which);
      const call = nativeFunction(
        'uint64_t (uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t)',
        entry,
      );
      const args = Array.from({ length: 6 }, () => BigInt(random.u32())) as Parameters<typeof call>;
      const number = BigInt(which) + 1n;
      assert.equal(
        call(...args),
        args.reduce((sum: bigint, arg) => sum + BigInt(arg), number),
      );
      assert.deepEqual(seen.pop(), [number, entry, ...args]);
    }
  }
  for (const handler of handlers) handler.close();
  range.free();
});

test('selectors that overlap the code are rejected', () => {
  const { code, length } = objectCode.handlerEntries();
  assert.throws(() => code(2, { selectorsOffset: 0 }), RangeError);
  assert.equal(code(2, { selectorsOffset: 2 ** 16 }).length, length(2));
});
