/** A callback as a register handler: it reads the registers of a call, and sets those of its caller. */
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

test('a closed callback is rejected as a handler', () => {
  const handler = createCallback('void (void *, void *)', () => {});
  handler.close();
  const message = 'Cannot use handler: it is closed';
  assert.throws(() => createRegisterHandler({ handler }), { code: 'ERR_TRAMPFD_CLOSED', message });
});
