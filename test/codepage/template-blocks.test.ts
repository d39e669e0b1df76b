/**
 * A file of templates whose blocks have several images, as for kernels with large pages. In a process of its own, since
 * the code that it maps stays mapped.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { mapCode } from '#src/codepage/map-code.js';
import { methods } from '#src/codepage/method-selection.js';
import { createTemplateMethod, templatePath } from '#src/codepage/template.js';
import type { TemplateHeader } from '#src/codepage/template-file.js';
import { alignUp } from '#src/core/bits.js';
import { createTrampolineTable, symbolAddress } from '#src/index.js';
import { pageSize } from '#src/linux/mm/memory.js';
import { mappingOf, mappings } from '#src/linux/process/proc-maps.js';
import { builders } from '#src/machine/build/index.js';
import { hostMachine } from '#src/native/host.js';
import { templateFile } from '../../scripts/template-file.js';
import { templateImages } from '../../scripts/template-images.js';
import { lengthOf } from '../support/attacks.js';
import { callInt64 } from '../support/calls.js';

const blockLength = 2 ** 16;
const code = templateImages(hostMachine(), builders[process.arch]!);
const file = Buffer.from(templateFile(hostMachine(), code, blockLength));
const folder = mkdtempSync(join(tmpdir(), 'trampfd-test-'));
const path = join(folder, 'templates.bin');
writeFileSync(path, file);
Object.assign(methods, { template: createTemplateMethod(path) });
after(() => rmSync(folder, { recursive: true }));

test('has each image in one block', () => {
  const { images: entries } = JSON.parse(file.toString('latin1', 0, file.indexOf('\n'))) as TemplateHeader;
  const installed = readFileSync(templatePath(process.arch));
  assert.ok(file.length <= alignUp(installed.length, blockLength) + blockLength);
  for (const [index, { key, offset, length }] of entries.entries()) {
    const start = offset % blockLength;
    assert.deepEqual(methods.template.locate!(key), { start, length, mappingLength: blockLength });
    const bytes = code[index]!.create(blockLength - start);
    assert.ok(file.subarray(offset, offset + length).equals(bytes), key);
  }
  const starts = new Set(entries.map(({ offset }) => offset % blockLength));
  assert.ok(starts.size > 10);
  assert.equal(entries.find((entry) => entry.key === 'closure-glue')!.offset % blockLength, 0);
});

for (const isolated of [false, true]) {
  test(`trampolines of all shapes${isolated ? ' in an isolated table' : ''}`, () => {
    const names = ['arg0', 'arg1', 'arg2', 'arg3', 'arg4', 'arg5'] as const;
    type Name = (typeof names)[number];
    const sets: Name[][] = [[], ['arg0'], ...names.slice(1).map((name): Name[] => ['arg0', name])];
    for (const set of sets) {
      using table = createTrampolineTable({ registers: set, isolated, codeSource: 'template' });
      const pc = symbolAddress(set.length === 0 ? 'getpid' : 'labs');
      const others = Object.fromEntries(set.map((name) => [name, 7n])) as Record<Name, bigint>;
      const own = set.length === 0 ? {} : { arg0: (index: number) => BigInt(index) };
      const addresses = table.addMany({ pc, ...others, ...own }, 1_500);
      const all = mappings();
      assert.equal(new Set([...addresses].map((address) => mappingOf(address, all)!.path)).size, 1);
      const mapping = mappingOf(addresses[0]!, all)!;
      assert.equal(mapping.path, path);
      assert.equal(lengthOf(mapping), blockLength);
      for (const index of [0, 1, 127, 128, 700, 1_499]) {
        const expected = set.length === 0 ? process.pid : index;
        assert.equal(callInt64(addresses[index]!), BigInt(expected));
      }

      // Addresses in the block that are those of other images, or of no slot.
      const strangers = [mapping.start, mapping.end - 16n, addresses[0]! - 16n, addresses[0]! + 1n];
      for (const address of strangers) assert.equal(table.has(address), false);
      for (const address of addresses) assert.equal(table.delete(address), true);
      assert.equal(table.size, 0);
      assert.equal(callInt64(table.add({ pc: symbolAddress('getpid'), ...others })), BigInt(process.pid));
    }
  });
}

test('code that is no table of slots', () => {
  const { trampolines } = hostMachine();
  const keys = [trampolines.freedCallStub().key, 'resume', 'fault-handler', 'closure-glue'];
  for (const key of keys) {
    const create = (distance: number) => ({
      key,
      bytes: code.find((image) => image.key === key)!.create(distance),
    });
    const { address, codeLength } = mapCode(create, { codeSource: 'template', dataLength: pageSize() });
    const mapping = mappingOf(address)!;
    assert.equal(mapping.path, path);
    assert.equal(address + BigInt(codeLength), mapping.end);
  }
});
