/** The template file of the package, and damaged or foreign files. */
import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, test } from 'node:test';
import { distanceToData } from '#src/codepage/map-code.js';
import { methods } from '#src/codepage/method-selection.js';
import { createTemplateMethod, templatePath } from '#src/codepage/template.js';
import { templateVersion, unitLength } from '#src/codepage/template-file.js';
import { alignUp } from '#src/core/bits.js';
import { registerNumber } from '#src/core/registers.js';
import { shapeKey } from '#src/core/shape.js';
import { createTrampolineTable, symbolAddress, TrampfdError } from '#src/index.js';
import { munmap, pageSize, reserveAddressSpace } from '#src/linux/mm/memory.js';
import { mappingOf, mappings } from '#src/linux/process/proc-maps.js';
import { builders } from '#src/machine/build/index.js';
import { machines } from '#src/machine/index.js';
import { hostMachine } from '#src/native/host.js';
import { memoryAt } from '#src/native/memory-view.js';
import { templateImages } from '../../scripts/template-images.js';
import { lengthOf } from '../support/attacks.js';
import { callInt64 } from '../support/calls.js';
import { outcome } from '../support/libc.js';
import { randomFor, rounds } from '../support/random.js';

const installed = readFileSync(templatePath(process.arch));
const folder = mkdtempSync(join(tmpdir(), 'trampfd-test-'));
/** Used instead of the installed file. */
const path = join(folder, 'templates.bin');
const { template } = methods;
after(() => rmSync(folder, { recursive: true }));

const builder = builders[process.arch]!;
const code = templateImages(hostMachine(), builder);
const headerLength = installed.indexOf('\n');
interface Image {
  key: string;
  offset: number;
  length: number;
}
interface Header {
  version: number;
  architecture: string;
  blockLength: number;
  images: Image[];
}
const headerOf = (file: Buffer): Header =>
  JSON.parse(file.toString('latin1', 0, file.indexOf('\n'))) as Header;
const header = (): Header => headerOf(installed);

/** Returns the installed file with another header. */
function withHeader(changed: Partial<Header> | string): Buffer {
  const bytes = Buffer.from(installed).fill(0, 0, unitLength);
  bytes.write(`${typeof changed === 'string' ? changed : JSON.stringify({ ...header(), ...changed })}\n`);
  return bytes;
}

/** Returns the entry of a shape in the header. */
const imageOf = (key: string): Image => header().images.find((image) => image.key === key)!;

/** Returns the entries of the header, one of them changed. */
const withImage = (key: string, changed: Partial<Image>): Image[] =>
  header().images.map((image) => (image.key === key ? { ...image, ...changed } : image));

/** A shape of the file. No test maps it from the installed file, so no free region of it exists. */
const registers = ['arg3'] as const;
const { registerFile } = hostMachine();
const key = shapeKey({ registers: [registerNumber(registerFile, 'arg3')], stack: undefined });
/** A shape that is not in the file. */
const unknown = ['arg0', 'arg1', 'arg2'] as const;

/** Checks that the process has neither mappings nor fds of a file that it refused. */
function assertReleased(): void {
  assert.deepEqual(
    mappings().filter((mapping) => mapping.path.startsWith(folder)),
    [],
  );
  const open = readdirSync('/proc/self/fd').filter((fd) => {
    let link = '';
    outcome(() => {
      link = readlinkSync(`/proc/self/fd/${fd}`);
    });
    return link.startsWith(folder);
  });
  assert.deepEqual(open, []);
}

for (const [architecture, machine] of Object.entries(machines)) {
  test(`the file for ${architecture} is the generator's output`, () => {
    const bytes = readFileSync(templatePath(architecture));
    const generated = templateImages(machine, builders[architecture]!);
    const { version, images, blockLength, ...rest } = headerOf(bytes);
    assert.equal(version, templateVersion);
    assert.deepEqual(rest, { architecture: machine.registerFile.architecture });
    assert.equal(blockLength, { x64: 4096, arm64: 65536 }[architecture]);
    assert.equal(bytes.length % blockLength, 0);
    assert.ok(bytes.length <= 262_144, `${bytes.length}`);
    assert.deepEqual(
      images.map(({ key, length }) => [key, length]),
      generated.map(({ key, length }) => [key, length]),
    );
    assert.equal(new Set(images.map(({ key }) => key)).size, images.length);

    // Everything that is no image is a trap.
    const expected = Buffer.from(machine.trampolines.padWithTraps(new Uint8Array(unitLength), bytes.length));
    expected.set(bytes.subarray(0, bytes.indexOf('\n') + 1));
    let total = unitLength;
    for (const [index, { key, offset, length }] of images.entries()) {
      const end = alignUp(offset + length, blockLength);
      assert.ok(end - offset <= Math.max(blockLength, length), `${key} is in more blocks than necessary`);
      expected.set(generated[index]!.create(end - offset), offset);
      total += length;
    }
    assert.ok(bytes.equals(expected));
    const ranges = images.map(({ offset, length }) => [offset, offset + length]).sort(([a], [b]) => a! - b!);
    for (const [index, [start]] of ranges.entries())
      assert.ok(start! >= (ranges[index - 1]?.[1] ?? unitLength));
    assert.ok(bytes.length - total < blockLength, `${bytes.length - total} bytes are unused`);
  });
}

test('code is mapped from the installed file, in whole blocks', () => {
  using table = createTrampolineTable({ registers: ['arg1', 'arg4'], codeSource: 'template' });
  const address = table.add({ pc: symbolAddress('abs'), arg1: 1n, arg4: 2n });
  const mapping = mappingOf(address)!;
  const [, access, offset] = mapping.text.split(' ');
  assert.equal(mapping.path, templatePath(process.arch));
  assert.equal(access, 'r-xs');
  const { blockLength } = header();
  assert.equal(mapping.start % BigInt(blockLength), 0n);
  assert.equal(Number.parseInt(offset!, 16) % blockLength, 0);
  assert.equal(lengthOf(mapping), blockLength);
});

test('a process can have a million trampolines: 65,530 mappings are the default limit', () => {
  using table = createTrampolineTable({ registers: ['arg0', 'arg5'], codeSource: 'template' });
  const before = mappings().length;
  table.addMany({ pc: symbolAddress('abs'), arg0: 1n, arg5: 2n }, 100_000);
  const more = mappings().length - before;
  assert.ok(10 * more < 20_000, `${more}`);
});

test('a table grows beyond one image', () => {
  using table = createTrampolineTable({ registers: ['arg5'], codeSource: 'template' });
  const pc = symbolAddress('getpid');
  const addresses = table.addMany({ pc, arg5: 0n }, 10_000);
  const all = mappings();
  const used = new Set([...addresses].map((address) => mappingOf(address, all)!.path));
  assert.deepEqual([...used], [templatePath(process.arch)]);
  assert.equal(callInt64(addresses[9_999]!), BigInt(process.pid));
});

describe('a wrong file', () => {
  const { offset: at, length } = imageOf(key);
  const altered = (offset: number): Buffer => {
    const bytes = Buffer.from(installed);
    bytes[offset]! ^= 1;
    return bytes;
  };
  const next = header().images.find(({ offset }) => offset === at + length)!;
  const { blockLength } = header();
  const size = installed.length;
  const wrong = 'its code differs from what this version of trampfd generates';
  const noFile = 'it is not a template file';
  const firstVersion = (): Buffer => {
    const bytes = Buffer.alloc(2 ** 17);
    bytes.write(
      `${JSON.stringify({ version: 1, architecture: registerFile.architecture, imageLength: 65536, images: [key] })}\n`,
    );
    return bytes;
  };
  const files: readonly [name: string, bytes: Uint8Array | undefined, reason: string, code?: string][] = [
    ['missing', undefined, 'open failed (ENOENT)', 'ENOENT'],
    ['empty', Buffer.alloc(0), noFile],
    ['of zeros', Buffer.alloc(size), noFile],
    ['without a header', installed.subarray(unitLength), noFile],
    ['with null as header', withHeader('null'), noFile],
    ['with a header of the wrong type', withHeader({ images: 'rdi' as unknown as Image[] }), noFile],
    ['with null as an image', withHeader({ images: [null as unknown as Image] }), noFile],
    ['with an image at half a unit', withHeader({ images: withImage(key, { offset: 6144 }) }), noFile],
    ['with an image of no length', withHeader({ images: withImage(key, { length: 0 }) }), noFile],
    ['with an image before the file', withHeader({ images: withImage(key, { offset: -4096 }) }), noFile],
    ['truncated in the header', installed.subarray(0, 100), noFile],
    ['truncated after the header', installed.subarray(0, unitLength), `it has 4096 bytes, not ${size}`],
    ['one byte short', installed.subarray(0, size - 1), `it has ${size - 1} bytes, not ${size}`],
    [
      'one page short',
      installed.subarray(0, size - pageSize()),
      `it has ${size - pageSize()} bytes, not ${size}`,
    ],
    [
      'one byte too long',
      Buffer.concat([installed, Buffer.alloc(1)]),
      `it has ${size + 1} bytes, not ${size}`,
    ],
    ['altered in the first byte', altered(0), noFile],
    ['altered in the first byte of the code', altered(at), wrong],
    ['altered in the last byte of the code', altered(at + length - 1), wrong],
    ['for another version', withHeader({ version: 1 }), 'its version is 1, not 2'],
    ['of the first version', firstVersion(), 'its version is 1, not 2'],
    [
      'for another architecture',
      withHeader({ architecture: 's390x' }),
      `it is for s390x, not ${registerFile.architecture}`,
    ],
    [
      'for a page size that is too small',
      withHeader({ blockLength: pageSize() / 2 }),
      `its blocks of ${pageSize() / 2} bytes are not whole pages of ${pageSize()} bytes`,
    ],
    [
      'with blocks of no length',
      withHeader({ blockLength: 0 }),
      `its blocks of 0 bytes are not whole pages of ${pageSize()} bytes`,
    ],
    [
      'with an image after its end',
      withHeader({ images: withImage(key, { offset: 2 ** 30 }) }),
      `it has ${size} bytes, not ${2 ** 30 + blockLength}`,
    ],
    [
      'with another image in its place',
      withHeader({ images: withImage(key, { offset: next.offset }) }),
      wrong,
    ],
    ['with an image that is too long', withHeader({ images: withImage(key, { length: 2 * length }) }), wrong],
    [
      'without this shape',
      withHeader({ images: withImage(key, { key: 'none' }) }),
      'it has no code for this shape',
      'ERR_TRAMPFD_NO_TEMPLATE',
    ],
  ];

  beforeEach(() => {
    Object.assign(methods, { template: createTemplateMethod(path) });
  });
  afterEach(() => {
    Object.assign(methods, { template });
    rmSync(path, { recursive: true, force: true });
    delete process.env['TRAMPFD_METHODS'];
  });

  for (const [name, bytes, reason, expected = 'ERR_TRAMPFD_TEMPLATE'] of files) {
    test(name, () => {
      if (bytes !== undefined) writeFileSync(path, bytes);
      const message = `Cannot create a code page by template: ${path}: ${reason}`;
      assert.throws(() => createTrampolineTable({ registers, codeSource: 'template' }), {
        name: 'TrampfdError',
        code: expected,
        message,
      });
      assertReleased();

      process.env['TRAMPFD_METHODS'] = 'template,file';
      using table = createTrampolineTable({ registers });
      const address = table.add({ pc: symbolAddress('getpid'), arg3: 7n });
      assert.match(mappingOf(address)!.path, / \(deleted\)$/);
      assert.equal(callInt64(address), BigInt(process.pid));
    });
  }

  test('a folder', () => {
    mkdirSync(path);
    assert.throws(() => createTrampolineTable({ registers, codeSource: 'template' }), {
      code: 'EISDIR',
      message: `Cannot create a code page by template: ${path}: read failed (EISDIR)`,
    });
    assertReleased();
  });

  test('a file that is replaced after the place was found', () => {
    const place = imageOf(key);
    writeFileSync(path, installed);
    const found = methods.template.locate!(key);
    const image = code.find((candidate) => candidate.key === key)!;
    const blob = { key, bytes: image.create(distanceToData(found)), place: found };
    methods.template.prepare(blob).close();
    writeFileSync(path, withHeader({ images: withImage(key, { length: 2 * place.length }) }));
    const message = `Cannot create a code page by template: ${path}: ${wrong}`;
    assert.throws(() => methods.template.prepare(blob), { message });
    assertReleased();
  });

  /** Maps code as regions do, and unmaps it. Returns whether the mapped bytes are right, or the error. */
  function tryCode(key: string): boolean | TrampfdError {
    const image = code.find((candidate) => candidate.key === key)!;
    try {
      const place = methods.template.locate!(key);
      const bytes = image.create(distanceToData(place));
      const prepared = methods.template.prepare({ key, bytes, place });
      const length = place.mappingLength;
      const address = reserveAddressSpace({ length, alignment: pageSize() }, 'test');
      try {
        prepared.mapAt(address);
        return Buffer.from(memoryAt(address + BigInt(place.start), place.length)).equals(bytes);
      } finally {
        prepared.close();
        munmap(address, length);
      }
    } catch (error) {
      if (!(error instanceof TrampfdError)) throw error;
      return error;
    }
  }

  test('one byte of the header altered: refused, or the right code', (t) => {
    const random = randomFor(t);
    let refused = 0;
    for (let offset = 0; offset <= headerLength; offset++) {
      const bytes = Buffer.from(installed);
      bytes[offset]! ^= 1 << random.integer({ to: 7 });
      writeFileSync(path, bytes);
      const found = tryCode(key);
      if (found instanceof Error) refused++;
      else assert.ok(found, `byte ${offset}`);
    }
    assert.ok(refused > 50, `${refused}`);
    assertReleased();
  });

  test('one byte of an image altered: only that image is refused', (t) => {
    const random = randomFor(t);
    for (let round = 0; round < rounds({ normal: 60, long: 3_000 }); round++) {
      const [image, other] = [random.pick(code), random.pick(code)];
      const bytes = Buffer.from(installed);
      const { offset, length } = imageOf(image.key);
      bytes[offset + random.integer({ to: length - 1 })]! ^= 1 << random.integer({ to: 7 });
      writeFileSync(path, bytes);
      const found = tryCode(image.key);
      assert.ok(found instanceof TrampfdError);
      assert.equal(found.message, `Cannot create a code page by template: ${path}: ${wrong}`);
      if (other !== image) assert.equal(tryCode(other.key), true);
    }
    assertReleased();
  });
});

describe('a shape that is not in the file', () => {
  afterEach(() => {
    delete process.env['TRAMPFD_METHODS'];
  });
  const message = `Cannot create a code page by template: ${templatePath(process.arch)}: it has no code for this shape`;

  test('is refused', () => {
    assert.throws(() => createTrampolineTable({ registers: unknown, codeSource: 'template' }), {
      name: 'TrampfdError',
      code: 'ERR_TRAMPFD_NO_TEMPLATE',
      message,
    });
    const stackData = { size: 8 };
    assert.throws(() => createTrampolineTable({ registers: [], stackData, codeSource: 'template' }), {
      message,
    });
  });

  test('uses the next method', () => {
    process.env['TRAMPFD_METHODS'] = 'template,file';
    using table = createTrampolineTable({ registers: unknown });
    const address = table.add({ pc: symbolAddress('abs'), arg0: 5n, arg1: 0n, arg2: 0n });
    assert.match(mappingOf(address)!.path, / \(deleted\)$/);
    assert.equal(callInt64(address), 5n);
    using small = createTrampolineTable({ registers: ['arg0'] });
    assert.equal(
      mappingOf(small.add({ pc: symbolAddress('abs'), arg0: 5n }))!.path,
      templatePath(process.arch),
    );
  });
});
