import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { symbolAddress, viewMemory } from '#src/index.js';
import { builders, sharedLibrary } from '#src/machine/build/index.js';
import { machines } from '#src/machine/index.js';
import { symbolFile } from '#src/machine/symbol-file.js';
import koffi from '../support/koffi.js';
import { needs } from '../support/needs.js';

const folder = mkdtempSync(join(tmpdir(), 'trampfd-test-'));
after(() => rmSync(folder, { recursive: true }));

const skip = needs('readelf');
/** Whether this architecture is supported. */
const isKnown = Object.hasOwn(machines, process.arch);

/** Returns the output of `readelf -aW`, which must not warn. */
function readelf(file: string): string {
  const { status, stdout, stderr } = spawnSync('readelf', ['-aW', file], { encoding: 'utf8' });
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  assert.deepEqual(rows(stdout, /warning|error|corrupt|<unknown/i), []);
  return stdout;
}

/** Returns the lines of readelf's output that match, split into columns. */
function rows(output: string, start: RegExp): string[][] {
  return output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => start.test(line))
    .map((line) => line.split(/\s+/));
}

/** Writes a library with code, which only returns, and data of these lengths. */
function library(architecture: string, codeLength: number, dataLength: number) {
  const { elfMachine } = machines[architecture]!.linux;
  const empty = builders[architecture]!.emptyFunction();
  const code = new Uint8Array(Math.max(codeLength, empty.length));
  code.set(empty);
  code.fill(0x90, empty.length);
  const data = Uint8Array.from({ length: dataLength }, (_, index) => index % 251);
  const file = join(folder, `${elfMachine}-${codeLength}-${dataLength}.so`);
  const names = { code: 'trampfd_test_code', data: 'trampfd_test_data' } as const;
  const bytes = sharedLibrary({
    machine: elfMachine,
    code,
    functions: [{ name: names.code, offset: 0, size: code.length }],
    data: { name: names.data, bytes: data },
  });
  writeFileSync(file, bytes);
  return { file, code, data, names };
}

const lengths = [
  [0, 1],
  [100, 32],
  [4096, 8],
  [8, 4096],
  [60_001, 13],
  // All that fits, with the headers, symbols and data.
  [65_536 - 800, 16],
] as const;

for (const [codeLength, dataLength] of lengths) {
  test(`a library with ${codeLength} bytes of code and ${dataLength} of data`, { skip }, () => {
    for (const architecture of Object.keys(machines)) {
      const { file, code, data, names } = library(architecture, codeLength, dataLength);
      const output = readelf(file);
      assert.match(output, /Type: +DYN/);
      assert.match(output, architecture === 'x64' ? /Machine: .*X86-64/ : /Machine: .*AArch64/);

      // Type, offset, address, physical address, size in the file, size in memory, flags (with spaces), alignment.
      const segments = rows(output, /^LOAD/).map(([, at, address, , inFile, inMemory, ...flags]) => ({
        start: Number(address),
        at: Number(at),
        end: Number(address) + Number(inMemory),
        access: flags.slice(0, -1).join(''),
        alignment: Number(flags.at(-1)),
        whole: inFile === inMemory,
      }));
      const [text, writable] = segments as [(typeof segments)[0], (typeof segments)[0]];
      assert.deepEqual(
        segments.map(({ access }) => access),
        ['RE', 'RW'],
      );
      assert.deepEqual(rows(output, /^GNU_STACK/)[0]!.slice(-2), ['RW', '0x10']);
      // Segments share no page, even of 64 KiB.
      const page = (address: number) => Math.floor(address / 65_536);
      assert.ok(page(text.end - 1) < page(writable.start), 'segments share no page');
      for (const { start, at, alignment, whole } of segments) {
        assert.ok(whole);
        assert.equal(start % alignment, at % alignment);
      }

      const symbols = execFileSync('readelf', ['-DsW', file], { encoding: 'utf8' });
      const bytes = readFileSync(file);
      for (const [name, type, content] of [
        [names.code, 'FUNC', code],
        [names.data, 'OBJECT', data],
      ] as const) {
        const [, value, size, ...rest] = rows(symbols, new RegExp(`\\b${name}$`))[0]!;
        assert.deepEqual(rest.slice(0, 3), [type, 'GLOBAL', 'DEFAULT']);
        assert.equal(Number(size), content.length);
        const start = Number.parseInt(value!, 16);
        const segment = type === 'FUNC' ? text : writable;
        assert.ok(
          segment.start <= start && start + content.length <= segment.end,
          `${name} is in its segment`,
        );
        const offset = start - segment.start + segment.at;
        assert.deepEqual(new Uint8Array(bytes.subarray(offset, offset + content.length)), content);
      }
    }
  });

  const reason = !isKnown && `no code for ${process.arch}`;
  test(`is loaded with ${codeLength} and ${dataLength} bytes`, { skip: reason }, () => {
    const { file, code, data, names } = library(process.arch, codeLength, dataLength);
    const codeAt = symbolAddress(names.code, file);
    const dataAt = symbolAddress(names.data, file);
    assert.deepEqual(viewMemory(codeAt, code.length), code);
    assert.deepEqual(viewMemory(dataAt, data.length), data);
    viewMemory(dataAt, data.length).fill(1);
    koffi.call(codeAt, koffi.proto('void ()'));
    assert.throws(() => symbolAddress('trampfd_test_other', file), { code: 'ERR_TRAMPFD_SYMBOL' });
    assert.equal(accessAt(codeAt), 'r-xp');
    assert.equal(accessAt(dataAt), 'rw-p');
  });
}

test('a symbol file names a function at an address', { skip }, () => {
  for (const [index, each] of Object.values(machines).entries()) {
    for (const address of [0x1000n, 0x7fff_1234_5000n, 0xffff_ffff_ffff_0000n]) {
      const file = join(folder, `symbols-${index}-${address}.o`);
      writeFileSync(file, symbolFile(each.linux.elfMachine, { address, size: 96, name: 'trampfd_test' }));
      const output = readelf(file);
      assert.match(output, /Type: +REL/);
      const digits = address.toString(16).padStart(16, '0');
      assert.deepEqual(rows(output, /^\[ 1\]/)[0]!.slice(2, 9), [
        '.text',
        'NOBITS',
        digits,
        '000040',
        '000060',
        '00',
        'AX',
      ]);
      // Number, offset in the section, size, type, binding, visibility, section, name.
      assert.deepEqual(rows(output, /trampfd_test$/)[0]!.slice(1), [
        ...['0000000000000000', '96', 'FUNC', 'GLOBAL', 'DEFAULT', '1', 'trampfd_test'],
      ]);
    }
  }
});

/** Returns the access rights of an address. */
function accessAt(address: bigint): string | undefined {
  for (const line of readFileSync('/proc/self/maps', 'utf8').split('\n')) {
    const [, first, end, access] = /^([0-9a-f]+)-([0-9a-f]+) (\S+)/.exec(line) ?? [];
    if (address >= BigInt(`0x${first ?? 0}`) && address < BigInt(`0x${end ?? 0}`)) return access;
  }
  return undefined;
}
