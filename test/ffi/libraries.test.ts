/** Common C libraries with callbacks in JavaScript. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { addressOf, createCallback, nativeFunction, symbolAddress, viewMemory } from 'trampfd';
import { needs } from '../support/needs.js';

const int = (address: bigint): number => new DataView(viewMemory(address, 4).buffer).getInt32(0, true);

test('qsort and bsearch', () => {
  const qsort = nativeFunction('void (void *, size_t, size_t, void *)', symbolAddress('qsort'));
  const bsearch = nativeFunction(
    'void *(const void *, const void *, size_t, size_t, void *)',
    symbolAddress('bsearch'),
  );
  const numbers = Int32Array.from({ length: 1000 }, (_, index) => (index * 7919) % 1009);
  const compare = createCallback('int (const void *, const void *)', (a, b) => int(a) - int(b));
  qsort(numbers, numbers.length, 4, compare.address);
  assert.deepEqual(numbers, numbers.toSorted());
  const key = Int32Array.of(numbers[500]!);
  const found = bsearch(key, numbers, numbers.length, 4, compare.address);
  assert.equal(found, addressOf(numbers) + 2000n);
  compare.close();
});

test('qsort with pointers as numbers', () => {
  const qsort = nativeFunction('void (void *, size_t, size_t, void *)', symbolAddress('qsort'));
  const values = Float64Array.of(3, -1, 2.5, 0, 8);
  const start = Number(addressOf(values));
  const seen = new Set<number>();
  // The C library may sort five elements in a copy, so read through the pointers.
  const compare = createCallback(
    { result: 'int', args: ['void *', 'void *'], pointers: 'number' },
    (a, b) => {
      assert.equal(typeof a, 'number');
      seen.add(a);
      const at = (pointer: number) => new DataView(viewMemory(BigInt(pointer), 8).buffer).getFloat64(0, true);
      return Math.sign(at(a) - at(b));
    },
  );
  qsort(values, 5, 8, compare.address);
  assert.deepEqual([...values], [-1, 0, 2.5, 3, 8]);
  assert.ok(seen.size > 1 && start > 0);
  compare.close();
});

test('ftw', () => {
  const folder = mkdtempSync(join(tmpdir(), 'trampfd-test-'));
  mkdirSync(join(folder, 'dir'));
  writeFileSync(join(folder, 'dir', 'file'), '123');
  const ftw = nativeFunction('int (const char *, void *, int)', symbolAddress('ftw'));
  const found: string[] = [];
  const FTW_F = 0;
  const visit = createCallback('int (const char *path, const void *stat, int type)', (path, stat, type) => {
    assert.notEqual(stat, 0n);
    found.push(`${path!.slice(folder.length)} ${type === FTW_F ? 'file' : 'folder'}`);
    return 0;
  });
  assert.equal(ftw(folder, visit.address, 8), 0);
  assert.deepEqual(found, [' folder', '/dir folder', '/dir/file file']);
  visit.close();
  rmSync(folder, { recursive: true });
});

test('pthread_create, with the result', async () => {
  const create = nativeFunction('int (void *, void *, void *, void *)', symbolAddress('pthread_create'));
  const join = nativeFunction('int (unsigned long, void *)', symbolAddress('pthread_join'));
  const start = createCallback('void *(void *)', (argument) => argument * 2n);
  const threads = BigUint64Array.of(0n, 0n, 0n);
  for (const index of threads.keys()) {
    assert.equal(create(threads.subarray(index), null, start.address, 100n + BigInt(index)), 0);
  }
  const results = new BigUint64Array(3);
  for (const [index, thread] of threads.entries())
    assert.equal(await join.async(thread, results.subarray(index)), 0);
  assert.deepEqual([...results], [200n, 202n, 204n]);
  start.close();
});

function library(name: string): string | undefined {
  try {
    symbolAddress(name === 'libz.so.1' ? 'zlibVersion' : 'sqlite3_open', name);
    return name;
  } catch {
    return undefined;
  }
}

/** The reason why a library may be missing. */
const foreign = needs('shared libraries of its architecture');
const sqlite = library('libsqlite3.so.0');
test('SQLite: rows, a function and a collation', {
  skip: sqlite === undefined && (foreign || 'needs libsqlite3-0'),
}, () => {
  const at = (name: string) => symbolAddress(`sqlite3_${name}`, sqlite);
  const open = nativeFunction('int (const char *, void *)', at('open'));
  const exec = nativeFunction('int (void *, const char *, void *, void *, void *)', at('exec'));
  const createFunction = nativeFunction(
    'int (void *, const char *, int, int, void *, void *, void *, void *)',
    at('create_function'),
  );
  const createCollation = nativeFunction(
    'int (void *, const char *, int, void *, void *)',
    at('create_collation'),
  );
  const valueInt = nativeFunction('int (void *)', at('value_int'));
  const resultInt = nativeFunction('void (void *, int)', at('result_int'));
  const close = nativeFunction('int (void *)', at('close'));

  const handle = new BigUint64Array(1);
  assert.equal(open(':memory:', handle), 0);
  const db = handle[0]!;
  const words = (address: bigint, count: number) =>
    new BigUint64Array(viewMemory(address, 8 * count).slice().buffer);
  const textOf = (address: bigint, length: number) => Buffer.from(viewMemory(address, length)).toString();
  // SQLite calls JavaScript, which calls SQLite.
  const triple = createCallback('void (void *context, int count, void *values)', (context, count, values) => {
    assert.equal(count, 1);
    resultInt(context, 3 * valueInt(words(values, 1)[0]!));
  });
  const backwards = createCallback(
    'int (void *, int, const void *, int, const void *)',
    (_, aLength, a, bLength, b) => (textOf(a, aLength) < textOf(b, bLength) ? 1 : -1),
  );
  const SQLITE_UTF8 = 1;
  assert.equal(createFunction(db, 'triple', 1, SQLITE_UTF8, null, triple.address, null, null), 0);
  assert.equal(createCollation(db, 'backwards', SQLITE_UTF8, null, backwards.address), 0);
  const rows: string[][] = [];
  const strlen = nativeFunction('size_t (void *)', symbolAddress('strlen'));
  const row = createCallback('int (void *, int count, char **values, char **names)', (_, count, values) => {
    rows.push([...words(values, count)].map((text) => textOf(text, Number(strlen(text)))));
    return 0;
  });
  const sql = `create table t (n int, s text); insert into t values (1, 'a'), (2, 'c'), (3, 'b');
    select triple(n), s from t order by s collate backwards;`;
  assert.equal(exec(db, sql, row.address, null, null), 0);
  assert.deepEqual(rows, [
    ['6', 'c'],
    ['9', 'b'],
    ['3', 'a'],
  ]);

  const failing = createCallback(
    'int (void *, int, char **, char **)',
    () => {
      throw new Error('stop here');
    },
    { errorResult: 1 },
  );
  assert.throws(() => exec(db, 'select 1; select 2', failing.address, null, null), /stop here/);
  assert.equal(close(db), 0);
  for (const callback of [triple, backwards, row, failing]) callback.close();
});

const zlib = library('libz.so.1');
const noZlib = zlib === undefined && (foreign || 'needs zlib1g');
test('zlib: memory and input from JavaScript', { skip: noZlib }, () => {
  const at = (name: string) => symbolAddress(name, zlib);
  const version = nativeFunction('const char *(void)', at('zlibVersion'));
  const size = 112; // sizeof(z_stream) on 64-bit systems
  const at64 = { alloc: 64, free: 72, opaque: 80 }; // zlib.h, struct z_stream_s
  const backInit = nativeFunction(
    'int (void *stream, int windowBits, void *window, const char *version, int size)',
    at('inflateBackInit_'),
  );
  const back = nativeFunction('int (void *stream, void *in, void *, void *out, void *)', at('inflateBack'));
  const backEnd = nativeFunction('int (void *)', at('inflateBackEnd'));

  const compressed = deflateRawSync('foobar for foobar, and back');
  const stream = Buffer.alloc(size);
  const [malloc, free] = ['malloc', 'free'].map((name) => symbolAddress(name)) as [bigint, bigint];
  const allocate = nativeFunction('void *(size_t)', malloc);
  const release = nativeFunction('void (void *)', free);
  let blocks = 0;
  const alloc = createCallback('void *(void *, unsigned int, unsigned int)', (opaque, items, each) => {
    assert.equal(opaque, 77n);
    blocks++;
    return allocate(items * each);
  });
  const dealloc = createCallback('void (void *, void *)', (_, address) => {
    blocks--;
    release(address);
  });
  stream.writeBigUInt64LE(alloc.address, at64.alloc);
  stream.writeBigUInt64LE(dealloc.address, at64.free);
  stream.writeBigUInt64LE(77n, at64.opaque);
  const window = new Uint8Array(2 ** 15);
  assert.equal(backInit(stream, 15, window, version(), size), 0);
  assert.ok(blocks > 0);

  let calls = 0;
  const input = createCallback('unsigned int (void *, unsigned char **)', (_, where) => {
    new BigUint64Array(viewMemory(where, 8).buffer)[0] = addressOf(compressed);
    return calls++ === 0 ? compressed.length : 0;
  });
  let text = '';
  const output = createCallback('int (void *, unsigned char *, unsigned int)', (_, bytes, length) => {
    text += Buffer.from(viewMemory(bytes, length)).toString();
    return 0;
  });
  const Z_STREAM_END = 1;
  const status = back(stream, input.address, null, output.address, null);
  assert.equal(status, Z_STREAM_END);
  assert.equal(backEnd(stream), 0);
  assert.equal(blocks, 0);
  assert.equal(text, 'foobar for foobar, and back');
  for (const callback of [alloc, dealloc, input, output]) callback.close();
});
