/** A handler in JavaScript: it sees the registers of a call, and decides what the caller finds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCallback, createRegisterHandler, nativeFunction, registerContext, viewMemory } from 'trampfd';

test('a callback as the handler of a trampoline', () => {
  const { size, offsets } = registerContext;
  const seen: unknown[] = [];
  const handler = createCallback('void (void *saved, void *trampoline)', (saved, trampoline) => {
    const block = new DataView(viewMemory(saved, size).buffer);
    const first = block.getBigUint64(offsets.arg0, true);
    seen.push(trampoline, first, block.getFloat64(offsets.vector0, true));
    block.setBigUint64(offsets.result, first * 2n, true);
  });
  const trampoline = createRegisterHandler({ handler });
  const call = nativeFunction('uint64_t (uint64_t, double)', trampoline.address);
  assert.equal(call(21n, 2.5), 42n);
  assert.deepEqual(seen, [trampoline.address, 21n, 2.5]);
  trampoline.close();
  handler.close();
});
