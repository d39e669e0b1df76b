/** Entries of supervised handlers and their common part, decoded by objdump. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { disassemble } from '#src/machine/x64/asm/disassembler.js';
import { x64 } from '#src/machine/x64/index.js';
import { needs } from '../../support/needs.js';
import { objdump } from '../../support/objdump.js';

const { firstOffset, stride, length, trapOffset, code } = x64.supervised.handlerEntries();

for (const count of [1, 7, 300]) {
  test(`code for ${count} entries`, { skip: needs('objdump') }, () => {
    const selectorsOffset = Math.ceil(length(count) / 4096) * 4096;
    const bytes = code(count, { selectorsOffset });
    assert.equal(bytes.length, length(count));
    assert.equal(firstOffset % 16, 0);
    const start = BigInt(firstOffset);
    const own = disassemble(bytes.subarray(firstOffset), start);
    const theirs = objdump(bytes.subarray(firstOffset));
    // objdump decodes the first entry at address 0.
    const moved = (place: bigint | undefined) =>
      place === undefined ? undefined : BigInt.asUintN(64, place - start);
    assert.deepEqual(
      own.map(({ address, memoryAddress, bytes }) => [moved(address), moved(memoryAddress), bytes.length]),
      theirs.map(({ address, memoryAddress, length }) => [address, memoryAddress, length]),
    );

    const commonAt = firstOffset + count * stride;
    for (let index = 0; index < count; index++) {
      const at = firstOffset + index * stride;
      const entry = own.filter(({ address }) => address >= BigInt(at) && address < BigInt(at + stride));
      const [landing, below, body, self, jump, ...traps] = entry;
      assert.equal(landing!.text, 'endbr64');
      assert.equal(below!.text, 'lea rsp, [rsp-0x80]');
      assert.match(body!.text, /^push qword ptr \[rip/);
      assert.equal(body!.memoryAddress, BigInt(selectorsOffset + 8 * index));
      assert.equal(self!.text, `push 0x${at.toString(16)}`);
      assert.equal(jump!.target, BigInt(commonAt));
      assert.equal(traps[0]!.address, BigInt(trapOffset(index)));
      assert.ok(traps.every(({ text }) => text === 'int3'));
    }

    const common = own.filter(({ address }) => address >= BigInt(commonAt)).map(({ text }) => text);
    assert.equal(common.filter((text) => text.startsWith('call')).length, 1);
    assert.deepEqual(common.slice(-2), ['ret 0x90', 'int3']);
    assert.ok(!common.includes('(unknown)'));
    // The code computes the start of the range relative to itself.
    const range = own.find(({ text }) => text.startsWith('lea rcx, [rip'));
    assert.equal(range!.memoryAddress, 0n);
  });
}

test('selectors that overlap the code are rejected', () => {
  assert.throws(() => code(2, { selectorsOffset: length(2) - 8 }), RangeError);
  assert.equal(code(2, { selectorsOffset: length(2) }).length, length(2));
});
