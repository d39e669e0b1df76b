/** The code of supervised objects on arm64, decoded by objdump. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRegisters } from '#src/core/contexts.js';
import { arm64 } from '#src/machine/arm64/index.js';
import { objectContexts } from '../../support/contexts.js';
import { needs } from '../../support/needs.js';
import { objdump } from '../../support/objdump-arm64.js';
import { randomFor } from '../../support/random.js';

const {
  supervised: code,
  registerFile,
  disassemble,
  trampolines: { stackDataTarget },
} = arm64;
const { stride: entryStride, length, trapOffset } = code.entries;

test('objdump and the disassembler agree on entries, steps and tables', {
  skip: needs('objdump'),
}, (t) => {
  const random = randomFor(t);
  const count = 300;
  const entries = code.entries.code(count, { selectorsOffset: 4 * 4096 });
  assert.equal(entries.length, length(count));
  const { bytes: table, stride } = code.tableCode(
    { count, codeRegister: 13, dataRegister: 14, codeTable: random.word(), dataTable: random.word() },
    () => random.word(),
  );
  const bytes = Buffer.concat([entries, table]);
  const theirs = objdump(bytes);
  const ours = disassemble(bytes, 0n);
  assert.equal(ours.length, theirs.length);
  // Two words of an entry are a distance, not instructions.
  const isDistance = (at: number) => at < count * entryStride && ((at % entryStride) & -8) === 16;
  for (const [index, { text, address, memoryAddress }] of theirs.entries()) {
    const own = ours[index]!;
    if (!isDistance(Number(address))) assert.deepEqual([own.text, own.memoryAddress], [text, memoryAddress]);
    if (own.noFallthrough) assert.equal(ours[index + 1]?.text, 'brk #0x0');
  }

  const at = (position: number) => theirs[position / 4]!.text;
  const shared = `0x${(count * entryStride).toString(16)}`;
  for (let index = 0; index < count; index++) {
    const entry = index * entryStride;
    assert.deepEqual(
      [0, 4, 8, 12].map((offset) => at(entry + offset)),
      ['bti c', `mov x16, #0x${index.toString(16)}`, `b ${shared}`, 'brk #0x0'],
    );
    // A distance of 0 is a body that jumps to the word after it.
    assert.equal(Buffer.from(entries).readBigUInt64LE(trapOffset(index)), 0n);
    assert.equal(at(trapOffset(index) + 8), 'brk #0x0');
    assert.equal(at(entries.length + index * stride), 'bti c');
  }
  assert.deepEqual(
    theirs.slice((count * entryStride) / 4).flatMap(({ text }) => /^adrp .*/.exec(text)?.[0] ?? []),
    ['adrp x17, 0x4000', 'adrp x16, 0x0'],
  );
});

test('equal values have different encodings', (t) => {
  const random = randomFor(t);
  const names = Object.keys(registerFile.numbers).filter((name) => name !== 'x17' && name !== 'pc');
  const registers = Object.fromEntries(names.map((name) => [name, 7n]));
  const contexts = objectContexts(parseRegisters({ pc: 7n, ...registers }, registerFile), undefined);
  const body = code.body(contexts, () => random.word(), { offset: 2 ** 20, entriesLength: length(3) });
  // All words except the distances between steps.
  const words = [...new BigInt64Array(body.buffer)].filter((word) => BigInt.asIntN(32, word) !== word);
  assert.equal(words.length, 2 * (names.length + 1));
  assert.equal(new Set(words).size, words.length);
});

test('a body cannot set both x16 and x17', () => {
  const contexts = objectContexts(parseRegisters({ pc: 7n, x16: 1n, x17: 2n }, registerFile), undefined);
  assert.throws(() => code.body(contexts, () => 0n, { offset: 4096, entriesLength: length(1) }), RangeError);
});

test('stackDataTarget', () => {
  const place = (sp: bigint, size: number, offset: number, setSp: boolean) => {
    const { dataAddress, sp: after } = stackDataTarget(sp, { size, offset, setSp });
    return [dataAddress, after];
  };
  assert.deepEqual(place(0x1000n, 8, 0, false), [0xff8n, 0x1000n]);
  assert.deepEqual(place(0x1000n, 3, 256, false), [0xefdn, 0x1000n]);
  assert.deepEqual(place(0x1000n, 8, 0, true), [0xff0n, 0xff0n]);
  assert.deepEqual(place(0x1000n, 64, 16, true), [0xfb0n, 0xfb0n]);
  assert.deepEqual(place(0n, 8, 0, true), [2n ** 64n - 16n, 2n ** 64n - 16n]);
});

test('the return address is x30, without access to the stack', () => {
  const { size } = arm64.linux.userRegs;
  const registers = new DataView(new ArrayBuffer(size));
  registers.setBigUint64(8 * 30, 0x1234n, true);
  const unusedReader = () => assert.fail('the stack was read');
  assert.equal(arm64.linux.returnAddressOf(registers, unusedReader), 0x1234n);
});
