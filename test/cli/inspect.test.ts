/** `trampfd inspect` in another process, for trampolines of this one. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { createRegisterHandler, createTrampoline, createTrampolineTable, symbolAddress } from '#src/index.js';
import { close } from '#src/linux/fs/fds.js';
import { memfd_create } from '#src/linux/mm/memfd.js';
import { registryLine } from '#src/trampolines/debug/registry-schema.js';
import { ownErrors } from '../support/child.js';
import { needs } from '../support/needs.js';
import { processor } from '../support/processor.js';

const cli = fileURLToPath(new URL('../../../dist/bundle/main.js', import.meta.url));
const pc = symbolAddress('memcmp');

function trampfd(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr: ownErrors(stderr) };
}

interface Row {
  name?: string;
  kind: string;
  type: string;
  layout: string;
  method: string;
  registers: string[];
  stack?: { size: number; offset: number; setSp: boolean };
  live: number;
  free: number;
  addresses: string[];
  code?: string;
}

function inspect(pid = process.pid): { tables: Row[]; names: { address: string; name: string }[] } {
  const { status, stdout, stderr } = trampfd('inspect', '--json', String(pid));
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

test('a process without trampolines is an error', () => {
  const { status, stderr } = trampfd('inspect', String(process.ppid));
  assert.equal(status, 1);
  assert.match(stderr, /^trampfd: Cannot inspect process \d+: it has created no trampolines\n$/);
});

test('prints tables, shapes, counts and names', {
  skip: needs('executable mappings to show to others'),
}, async () => {
  const hex = (address: bigint) => `0x${address.toString(16)}`;
  const single = createTrampoline({ registers: { pc, arg2: 3n }, name: 'three bytes' });
  const closed = createTrampoline({ registers: { pc, arg2: 4n }, name: 'closed' });
  const plain = createTrampoline({
    registers: { pc },
    stackData: { data: new Uint8Array(8), offset: 4, setSp: true },
  });
  closed.close();
  const table = createTrampolineTable({
    registers: ['arg1', 'arg2'],
    stackData: { size: 9 },
    name: 'inline ones',
  });
  const values = { pc, arg1: 0x11n, arg2: 0x22n, stackData: new Uint8Array(9) };
  const addresses = table.addMany(values, 700);
  for (const address of addresses.subarray(0, 50)) table.delete(address);
  const atomic = createTrampolineTable({
    registers: ['arg1'],
    name: 'atomic ones',
    atomic: true,
    isolated: true,
    debug: true,
  });
  const changed = [...atomic.addMany({ pc, arg1: 5n }, 10)];
  atomic.set(changed[1]!, { arg1: 0xabcn });
  atomic.delete(changed[0]!);

  const { tables, names } = inspect();
  assert.deepEqual(names, [{ address: hex(single.address), name: 'three bytes' }]);
  const find = (match: Partial<Row>) =>
    tables.find((row) => Object.entries(match).every(([key, value]) => row[key as keyof Row] === value))!;

  const inline = find({ name: 'inline ones' });
  assert.equal(inline.layout, 'inline');
  assert.equal(inline.kind, 'table');
  assert.equal(inline.method, 'memfd');
  assert.equal(inline.live, 650);
  assert.ok(inline.free >= 50);
  assert.deepEqual(
    inline.registers.toSorted(),
    ['arg1', 'arg2'].map((name) => processor.aliases.get(name)).toSorted(),
  );
  assert.deepEqual(inline.stack, { size: 9, offset: 0, setSp: false });
  assert.deepEqual(inline.addresses, [...addresses.subarray(50)].map(hex));
  assert.match(inline.code!, /# 0x22\n/);
  // The PC is the last word that is read.
  assert.equal(inline.code!.match(/# \w+$/gm)!.at(-1), `# ${hex(pc)}`);

  const shared = find({ name: 'atomic ones' });
  assert.equal(shared.layout, 'atomic');
  assert.equal(shared.live, 9, 'a freed one that reports calls is free');
  assert.deepEqual(shared.addresses, changed.slice(1).map(hex));
  assert.match(shared.code!, /# 0xabc\n/);

  const singles = tables.filter(({ kind }) => kind === 'single');
  assert.equal(
    singles.reduce((sum, { live }) => sum + live, 0),
    2,
  );
  const withStack = singles.find(({ stack }) => stack !== undefined)!;
  assert.deepEqual(withStack.stack, { size: 8, offset: 4, setSp: true });
  assert.deepEqual(withStack.addresses, [hex(plain.address)]);

  const text = trampfd('inspect', String(process.pid)).stdout;
  assert.match(text, /^process \d+: 661 live trampolines\n/);
  assert.ok(text.includes(`${hex(single.address)} three bytes`));
  assert.match(
    text,
    /table "inline ones": loads .* and the PC, 9 bytes of stack data at 0 \(inline, memfd\)\n {2}650 live/,
  );

  using spy = createRegisterHandler({ handler: pc, name: 'spy' });
  using other = createRegisterHandler({ handler: symbolAddress('getpid') });
  const row = inspect().tables.find(({ type }) => type === 'handler')!;
  assert.equal(row.kind, 'single');
  assert.deepEqual(row.addresses, [hex(spy.address), hex(other.address)]);
  assert.ok(row.code!.includes(`# ${hex(pc)}\n`) && row.code!.includes(`# ${hex(spy.address)}\n`));
  assert.match(
    trampfd('inspect', String(process.pid)).stdout,
    /single trampolines: save all registers and call \(atomic, memfd\)\n {2}2 live, .*\n {2}0x[0-9a-f]+ spy\n/,
  );

  for (const owner of [single, plain, table, atomic]) owner.close();
  assert.equal(inspect().tables.filter(({ name }) => name !== undefined).length, 0);

  const worker = new Worker(
    `import('#src/index.js').then(({ createTrampolineTable, symbolAddress }) => {
       createTrampolineTable({ registers: [], name: 'of a worker' }).add({ pc: symbolAddress('getpid') });
       require('node:worker_threads').parentPort.postMessage('ready');
       setInterval(() => {}, 1000);
     });`,
    { eval: true },
  );
  await new Promise((resolve) => worker.once('message', resolve));
  assert.equal(inspect().tables.find(({ name }) => name === 'of a worker')?.live, 1);
  await worker.terminate();
});

test('bad arguments: one line, exit code 2', () => {
  for (const args of [
    ['inspect', 'x'],
    ['inspect'],
    ['inspect', '0'],
    ['inspect', '1', '2'],
    ['fly'],
    ['--no'],
  ]) {
    const { status, stderr } = trampfd(...args);
    assert.equal(status, 2, args.join(' '));
    assert.match(stderr, /^error: .*\n$/);
  }
  const { status, stderr } = trampfd('inspect', '2147483646');
  assert.equal(status, 1);
  assert.match(stderr, /^trampfd: Cannot inspect process 2147483646: there is no such process\n$/);
});

test('help and version', () => {
  assert.match(trampfd('--help').stdout, /inspect \[options\] <pid>/);
  assert.match(trampfd('--version').stdout, /^\d+\.\d+\.\d+\n$/);
});

test('names with control characters are rejected', () => {
  const line = { kind: 'name', address: '0x1000', name: 'harmless' };
  assert.ok(registryLine.safeParse(line).success);
  assert.ok(!registryLine.safeParse({ ...line, name: '\u001b[2J' }).success);
});

test('a registry with false lines is ignored', () => {
  const falseLine = {
    kind: 'block',
    code: '0x1000',
    codeLength: 4096,
    data: '0x2000',
    count: 128,
    stride: 32,
    trapAt: 17,
    dataStride: 16,
    registers: ['rdx'],
    stack: null,
    method: 'memfd',
    table: 1,
    shared: false,
    name: 'false',
    role: 'trampoline',
  };
  const lines = [
    falseLine,
    { ...falseLine, role: 'slow' },
    { ...falseLine, count: 2 ** 32 },
    { ...falseLine, stride: 1, count: 4096, dataStride: 1024 },
    { ...falseLine, data: '0x9999' },
    { ...falseLine, code: 'everywhere' },
    'no object',
  ];
  const fd = memfd_create('trampfd-registry', 'test');
  writeSync(fd, `${lines.map((line) => JSON.stringify(line)).join('\n')}\n{"kind":"blo`);
  assert.deepEqual(
    inspect().tables.filter(({ name }) => name === 'false'),
    [],
  );
  close(fd);
});
