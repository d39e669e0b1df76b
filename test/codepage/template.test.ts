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
import { methods } from '#src/codepage/method-selection.js';
import { createTemplateMethod, imageLength, templatePath } from '#src/codepage/template.js';
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

const code = templateImages(hostMachine(), builders[process.arch]!);
const headerLength = installed.indexOf('\n');
interface Header {
  version: number;
  architecture: string;
  imageLength: number;
  images: string[];
}
const header = (): Header => JSON.parse(installed.toString('latin1', 0, headerLength)) as Header;

/** Returns the installed file with another header. */
function withHeader(changed: Partial<Header> | string): Buffer {
  const bytes = Buffer.from(installed).fill(0, 0, imageLength);
  bytes.write(`${typeof changed === 'string' ? changed : JSON.stringify({ ...header(), ...changed })}\n`);
  return bytes;
}

/** Returns the offset of a shape's image in the file. */
const imageOf = (key: string): number => imageLength * (1 + header().images.indexOf(key));

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
    const images = templateImages(machine, builders[architecture]!);
    const line = JSON.stringify({
      version: 1,
      architecture: machine.registerFile.architecture,
      imageLength: 65536,
      images: images.map(({ key }) => key),
    });
    const expected = Buffer.alloc(65536 * (1 + images.length));
    expected.write(`${line}\n`);
    for (const [index, image] of images.entries()) {
      assert.equal(image.bytes.length, 65536);
      expected.set(image.bytes, 65536 * (1 + index));
    }
    assert.ok(bytes.equals(expected));
    assert.equal(new Set(images.map(({ key }) => key)).size, images.length);
  });
}

test('code is mapped from the installed file, aligned for every page size', () => {
  using table = createTrampolineTable({ registers: ['arg1', 'arg4'], codeSource: 'template' });
  const address = table.add({ pc: symbolAddress('abs'), arg1: 1n, arg4: 2n });
  const mapping = mappingOf(address)!;
  const [, access, offset] = mapping.text.split(' ');
  assert.equal(mapping.path, templatePath(process.arch));
  assert.equal(access, 'r-xs');
  assert.equal(mapping.start % 65536n, 0n);
  assert.equal(Number.parseInt(offset!, 16) % 65536, 0);
  assert.equal(lengthOf(mapping), 65536);
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
  const at = imageOf(key);
  const altered = (offset: number): Buffer => {
    const bytes = Buffer.from(installed);
    bytes[offset]! ^= 1;
    return bytes;
  };
  const swapped = (a: number, b: number): string[] => {
    const { images } = header();
    return images.with(a, images[b]!).with(b, images[a]!);
  };
  const index = at / imageLength - 1;
  const size = installed.length;
  const wrong = 'its code differs from what this version of trampfd generates';
  const noFile = 'it is not a template file';
  const files: readonly [name: string, bytes: Uint8Array | undefined, reason: string, code?: string][] = [
    ['missing', undefined, 'open failed (ENOENT)', 'ENOENT'],
    ['empty', Buffer.alloc(0), noFile],
    ['of zeros', Buffer.alloc(size), noFile],
    ['without a header', installed.subarray(imageLength), noFile],
    ['with null as header', withHeader('null'), noFile],
    ['with a header of the wrong type', withHeader({ images: 'rdi' as unknown as string[] }), noFile],
    ['truncated in the header', installed.subarray(0, 100), noFile],
    ['truncated after the header', installed.subarray(0, imageLength), `it has 65536 bytes, not ${size}`],
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
    ['altered in the last byte of the code', altered(at + imageLength - 1), wrong],
    ['for another version', withHeader({ version: 2 }), 'its version is 2, not 1'],
    [
      'for another architecture',
      withHeader({ architecture: 's390x' }),
      `it is for s390x, not ${registerFile.architecture}`,
    ],
    [
      'for a page size that is too small',
      withHeader({ imageLength: 4096 }),
      'its images have 4096 bytes, not 65536',
    ],
    ['with two images in the wrong order', withHeader({ images: swapped(index, index + 1) }), wrong],
    [
      'without this shape',
      withHeader({ images: header().images.with(index, 'none') }),
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

  /** Maps code as regions do, and unmaps it. Returns the mapped bytes, or the error. */
  function tryCode(key: string): Uint8Array | TrampfdError {
    const image = code.find((candidate) => candidate.key === key)!;
    const address = reserveAddressSpace({ length: imageLength, alignment: imageLength }, 'test');
    try {
      const prepared = methods.template.prepare(image);
      try {
        prepared.mapAt(address);
        return new Uint8Array(memoryAt(address, imageLength)).slice();
      } finally {
        prepared.close();
      }
    } catch (error) {
      if (!(error instanceof TrampfdError)) throw error;
      return error;
    } finally {
      munmap(address, imageLength);
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
      else assert.deepEqual(found, code.find((image) => image.key === key)!.bytes, `byte ${offset}`);
    }
    assert.ok(refused > 50, `${refused}`);
    assertReleased();
  });

  test('one byte of an image altered: only that image is refused', (t) => {
    const random = randomFor(t);
    for (let round = 0; round < rounds({ normal: 60, long: 3_000 }); round++) {
      const [image, other] = [random.pick(code), random.pick(code)];
      const bytes = Buffer.from(installed);
      bytes[imageOf(image.key) + random.integer({ to: imageLength - 1 })]! ^= 1 << random.integer({ to: 7 });
      writeFileSync(path, bytes);
      const found = tryCode(image.key);
      assert.ok(found instanceof TrampfdError);
      assert.equal(found.message, `Cannot create a code page by template: ${path}: ${wrong}`);
      if (other !== image) assert.deepEqual(tryCode(other.key), other.bytes);
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
