/** Compares unwind tables with those of the GNU assembler for the same rules, both printed by readelf. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { handlerShape } from '#src/core/shape.js';
import { CfiBuilder, ehFrame, pcRelativeEhFrame } from '#src/machine/eh-frame.js';
import { machines } from '#src/machine/index.js';
import { hostMachine } from '#src/native/host.js';
import { about, needs } from '../support/needs.js';

const skip = needs('gcc', 'readelf', 'objcopy');
/** Name in binutils. */
const format = process.arch === 'arm64' ? 'elf64-littleaarch64' : 'elf64-x86-64';

/** Runs a function with a temporary folder. */
function inFolder<Result>(run: (file: (name: string) => string) => Result): Result {
  const folder = mkdtempSync(join(tmpdir(), 'trampfd-test-'));
  try {
    return run((name) => join(folder, name));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Returns the instructions of the first FDE, printed by readelf. */
function instructions(path: string): string[] {
  const output = execFileSync('readelf', ['--debug-dump=frames', '--wide', path], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [, fde] = output.split(/ FDE .*\n/);
  const lines = fde!.split('\n').map((line) => line.trim());
  return lines.filter((line) => line.startsWith('DW_CFA') && !line.startsWith('DW_CFA_nop'));
}

/** Prints a table at address 0. */
function readTable(table: Uint8Array): string {
  return inFolder((file) => {
    writeFileSync(file('table'), table);
    execFileSync('objcopy', [
      ...['-I', 'binary', '-O', format, '--set-section-flags', '.data=alloc,readonly'],
      ...['--rename-section', '.data=.eh_frame', file('table'), file('object')],
    ]);
    return [
      execFileSync('readelf', ['--debug-dump=frames', '--wide', file('object')], { encoding: 'utf8' }),
      ...instructions(file('object')),
    ].join('\n');
  });
}

function readAssembled(source: string): string[] {
  return inFolder((file) => {
    writeFileSync(file('code.s'), source);
    execFileSync('gcc', ['-c', '-o', file('code.o'), file('code.s')]);
    return instructions(file('code.o'));
  });
}

// The assembler encodes advances in units of the minimum instruction length: 1 byte on x86-64.
test('rules equal those of the GNU assembler', { skip: skip || about('x64') }, () => {
  const rules = new CfiBuilder(15)
    .advanceTo(16)
    .defineCfa({ register: 7, offset: 16 })
    .registerSavedBelowCfa(3, 16)
    .advanceTo(17)
    .defineCfa({ register: 7, offset: 128 })
    .advanceTo(17 + 63)
    .defineCfa({ register: 0, offset: 70_000 })
    .registerSavedBelowCfa(12, 2048)
    .advanceTo(80 + 64)
    .cfaSavedAt({ register: 7, offset: 136 })
    .registerSavedAt(16, { register: 7, offset: 63 })
    .registerSavedAt(6, { register: 15, offset: 64 })
    .registerSavedAt(5, { register: 0, offset: -64 })
    .registerSavedAt(4, { register: 0, offset: -65 })
    .advanceTo(144 + 255)
    .registerUnchanged(6)
    .advanceTo(399 + 256)
    .registerUnchanged(3)
    .registerSavedInRegister(16, 11);
  const table = ehFrame({ start: 15, length: 701, returnAddress: 16, cfi: rules.toBytes() }, 0x7f1200000000n);
  const shown = readTable(table);
  assert.match(shown, /Augmentation: +"zR"/);
  assert.match(shown, /Data alignment factor: -8/);
  assert.match(shown, /Return address column: 16/);
  assert.match(shown, /pc=00007f120000000f\.\.00007f12000002cc/);
  assert.equal(table.length % 8, 4, '8-byte entries and a terminator');

  const expected = readAssembled(`
    .cfi_startproc simple
    .skip 1
    .cfi_def_cfa 7, 16
    .cfi_offset 3, -16
    .skip 1
    .cfi_def_cfa 7, 128
    .skip 63
    .cfi_def_cfa 0, 70000
    .cfi_offset 12, -2048
    .skip 64
    .cfi_escape 0x0f, 4, 0x77, 0x88, 0x01, 0x06
    .cfi_escape 0x10, 16, 2, 0x77, 0x3f
    .cfi_escape 0x10, 6, 3, 0x7f, 0xc0, 0x00
    .cfi_escape 0x10, 5, 2, 0x70, 0x40
    .cfi_escape 0x10, 4, 3, 0x70, 0xbf, 0x7f
    .skip 255
    .cfi_same_value 6
    .skip 256
    .cfi_same_value 3
    .cfi_register 16, 11
    .skip 45
    .cfi_endproc
  `);
  // The addresses in "advance" lines are relative to the start of each.
  const plain = (line: string) => line.replace(/ to [0-9a-f]+$/, '');
  const own = shown.split('\n').filter((line) => line.startsWith('DW_CFA') && !line.startsWith('DW_CFA_nop'));
  assert.deepEqual(own.map(plain), expected.map(plain));
  assert.equal(own.length, 19);
});

test('relative addresses are relative to their own position', { skip }, () => {
  const frame = { start: 0x4000, length: 701, returnAddress: 16, cfi: new CfiBuilder().toBytes() };
  const table = pcRelativeEhFrame(frame);
  assert.equal(table.length, ehFrame(frame, 0n).length);
  const shown = readTable(table);
  assert.match(shown, /Augmentation data: +1c/); // DW_EH_PE_pcrel | DW_EH_PE_sdata8
  // readelf adds the position.
  assert.match(shown, /pc=0000000000004000\.\.00000000000042bd/);
});

test('the table of handler objects covers their common part', { skip }, () => {
  const { firstOffset, stride, code, length } = machines['x64']!.supervised.handlerEntries();
  for (const count of [1, 1000]) {
    const bytes = code(count, { selectorsOffset: 2 ** 20 }).subarray(0, firstOffset);
    // readelf would parse the traps after the table.
    const shown = readTable(bytes.subarray(0, bytes.findLastIndex((byte) => byte !== 0xcc) + 1));
    const [, from, to] = /pc=([0-9a-f]+)\.\.([0-9a-f]+)/.exec(shown)!;
    assert.deepEqual(
      [from, to].map((text) => Number.parseInt(text!, 16)),
      [firstOffset + count * stride, length(count)],
    );
  }
});

test('the table of the common part ends where the code ends', { skip }, () => {
  const { frame } = hostMachine().trampolines.codeImage(handlerShape, 4096);
  const shown = readTable(ehFrame(frame!, 0x10000n));
  const { start, length } = frame!;
  const [, from, to] = /pc=([0-9a-f]+)\.\.([0-9a-f]+)/.exec(shown)!;
  assert.deepEqual(
    [from, to].map((text) => Number.parseInt(text!, 16)),
    [0x10000 + start, 0x10000 + start + length],
  );
  const advances = [...shown.matchAll(/^DW_CFA_advance_loc\S* \S+ to ([0-9a-f]+)/gm)];
  assert.ok(Number.parseInt(advances.at(-1)![1]!, 16) < 0x10000 + start + length);
});
