/** The code of handler trampolines in images of several sizes, decoded by objdump. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dataLayout, handlerShape, shapeKey } from '#src/core/shape.js';
import { disassemble } from '#src/machine/x64/asm/disassembler.js';
import { restoreContext } from '#src/machine/x64/trampolines/save-restore-stub.js';
import { codeImage, slotLayout } from '#src/machine/x64/trampolines/slot.js';
import { needs } from '../../support/needs.js';
import { objdump } from '../../support/objdump.js';

const KiB = 1024;

for (const byteLength of [4 * KiB, 16 * KiB, 64 * KiB, 1024 * KiB]) {
  test(`${byteLength / KiB} KiB of slots and their common part`, {
    skip: needs('objdump'),
  }, () => {
    const { bytes, count, stride, trapOffset, frame, shape } = codeImage(handlerShape, byteLength);
    assert.equal(bytes.length, byteLength);
    assert.equal(shapeKey(shape), 'handler');
    assert.deepEqual(slotLayout(handlerShape), { stride, trapOffset });
    assert.equal(stride, 32);
    const { start, length } = frame!;
    assert.ok(count * stride <= start && start + length <= byteLength);
    assert.ok(byteLength - count * stride - length < stride + 16, 'no space is wasted');

    const lines = objdump(bytes);
    const slots = lines.filter(({ address }) => address < BigInt(count * stride));
    const perSlot = slots.length / count;
    for (let slot = 0; slot < count; slot++) {
      const data = BigInt(byteLength + slot * dataLayout(handlerShape).stride);
      const own = slots.slice(slot * perSlot, (slot + 1) * perSlot);
      const [landing, below, handler, trampoline, jump, ...traps] = own;
      assert.equal(landing!.address, BigInt(slot * stride));
      assert.equal(landing!.text, 'endbr64');
      assert.equal(below!.text, 'lea rsp, [rsp-0x80]');
      assert.deepEqual([handler!.memoryAddress, trampoline!.memoryAddress], [data, data + 8n]);
      assert.ok([handler!, trampoline!].every(({ text }) => text.startsWith('push qword ptr [rip')));
      assert.equal(jump!.text, `jmp 0x${start.toString(16)}`);
      assert.equal(traps[0]!.address, BigInt(slot * stride + trapOffset));
      assert.ok(traps.every(({ text }) => text === 'int3'));
    }

    const common = lines.filter(
      ({ address }) => address >= BigInt(start) && address < BigInt(start + length),
    );
    const own = disassemble(bytes.subarray(start, start + length), BigInt(start));
    assert.deepEqual(
      own.map(({ address, text }) => ({ address, text })),
      common.map(({ address, text }) => ({ address, text })),
    );
    assert.equal(common.filter(({ text }) => text.startsWith('call')).length, 1);
    assert.deepEqual(
      common.slice(-2).map(({ text }) => text),
      ['ret 0x90', 'int3'],
    );
    const between = lines.filter(
      ({ address }) => address >= BigInt(count * stride) && address < BigInt(start),
    );
    const behind = lines.filter(({ address }) => address >= BigInt(start + length));
    assert.ok([...between, ...behind].every(({ text }) => text === 'int3'));
  });
}

test('the restore-context function needs no data', { skip: needs('objdump') }, () => {
  const code = restoreContext();
  const lines = objdump(code);
  assert.equal(lines[0]!.text, 'endbr64');
  assert.ok(lines.every(({ memoryAddress, text }) => memoryAddress === undefined && !text.includes('(bad)')));
  assert.deepEqual(
    disassemble(code, 0n).map(({ text }) => text),
    lines.map(({ text }) => text),
  );
});
