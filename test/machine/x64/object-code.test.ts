/** The code of supervised objects on x86-64, decoded by objdump. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRegisters } from '#src/core/contexts.js';
import { x64Registers } from '#src/core/registers.js';
import { x64 } from '#src/machine/x64/index.js';
import { objectContexts, stackOf, valuesFor } from '../../support/contexts.js';
import { needs } from '../../support/needs.js';
import { objdump } from '../../support/objdump.js';
import { randomFor } from '../../support/random.js';

const { supervised: code, registerFile } = x64;
const registerNames = (Object.keys(x64Registers) as (keyof typeof x64Registers)[]).filter(
  (name) => name !== 'rip',
);
/** Position of a body that is not invoked. */
const place = { offset: 2 ** 20, entriesLength: code.entries.length(3) };

test('equal values have different encodings', (t) => {
  const random = randomFor(t);
  const registers = Object.fromEntries(registerNames.map((name) => [name, 7n]));
  const body = code.body(
    objectContexts(parseRegisters({ pc: 7n, ...registers }, registerFile), undefined),
    () => random.word(),
    place,
  );
  const words = x64.disassemble(body, 0n).flatMap(({ text }) => /^mov r\w+, (.*0x.*)$/.exec(text)?.[1] ?? []);
  assert.equal(words.length, 16);
  assert.equal(new Set(words).size, 16);
});

test('objdump and the disassembler agree on entries, bodies and tables', { skip: needs('objdump') }, (t) => {
  const random = randomFor(t);
  const bodies = Array.from({ length: 200 }, () => {
    const names = random.pick([registerNames, random.some(registerNames)]);
    const stack = random.flip() ? stackOf(random) : undefined;
    const registers = parseRegisters({ pc: random.word(), ...valuesFor(random, names) }, registerFile);
    return code.body(objectContexts(registers, stack), () => random.word(), place);
  });
  const table = code.tableCode(
    { count: 300, codeRegister: 17, dataRegister: 18, codeTable: random.word(), dataTable: random.word() },
    () => random.word(),
  );
  const entries = code.entries.code(300, { selectorsOffset: 16 * 4096 });
  const bytes = Buffer.concat([entries, table.bytes, ...bodies]);
  const theirs = objdump(bytes);
  const ours = x64.disassemble(bytes, 0n);
  assert.equal(ours.length, theirs.length);
  ours.forEach(({ text, address, bytes: { length }, memoryAddress }, index) => {
    const { text: expected, ...line } = theirs[index]!;
    assert.equal(text, expected);
    assert.deepEqual({ address, length, memoryAddress }, line);
    if (ours[index]!.noFallthrough) assert.equal(ours[index + 1]?.text, 'int3');
  });

  // Landing pads, traps, selectors.
  const starts = new Map(ours.map((instruction) => [Number(instruction.address), instruction]));
  for (let index = 0; index < 300; index++) {
    const at = index * code.entries.stride;
    assert.equal(starts.get(at)?.text, 'endbr64');
    assert.equal(starts.get(at + 4)?.memoryAddress, BigInt(16 * 4096 + 8 * index));
    assert.equal(starts.get(code.entries.trapOffset(index))?.text, 'int3');
    assert.equal(starts.get(entries.length + index * table.stride)?.text, 'endbr64');
  }
  assert.equal(code.entries.stride % 16, 0);
});

test('stackDataTarget', () => {
  const place = (sp: bigint, size: number, offset: number, setSp: boolean) => {
    const { dataAddress, sp: after } = x64.trampolines.stackDataTarget(sp, { size, offset, setSp });
    return [dataAddress, after];
  };
  assert.deepEqual(place(0x1008n, 8, 0, false), [0x1000n, 0x1008n]);
  assert.deepEqual(place(0x1008n, 3, 256, false), [0xf05n, 0x1008n]);
  assert.deepEqual(place(0x1008n, 8, 0, true), [0xff8n, 0xff8n]);
  assert.deepEqual(place(0x1000n, 64, 16, true), [0xfa8n, 0xfa8n]);
  assert.deepEqual(place(8n, 8, 0, true), [2n ** 64n - 8n, 2n ** 64n - 8n]);
});
