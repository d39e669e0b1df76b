/** Features of slow trampolines only: counters, checks at every invocation, addresses without memory. */
import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { describe, test } from 'node:test';
import { createTrampoline, createTrampolineTable, symbolAddress } from '#src/index.js';
import { mappings } from '#src/linux/process/proc-maps.js';
import { expectRefused, fileAttacks, lengthOf, mapFile, writes } from '../support/attacks.js';
import { callInt64 } from '../support/calls.js';
import { runScript } from '../support/child.js';
import { compileLibrary } from '../support/compile.js';
import koffi from '../support/koffi.js';
import { outcome } from '../support/libc.js';
import { needs } from '../support/needs.js';
import { processor } from '../support/processor.js';
import { rounds } from '../support/random.js';

const skip = needs('gcc');
const pc = symbolAddress('getpid');
const slow = { mode: 'slow', registers: { pc } } as const;
const pid = BigInt(process.pid);

test('invocations are counted exactly, by 8 threads at once', { skip }, () => {
  const path = compileLibrary('storm', ['storm.c']);
  const count = koffi.load(path).func('long storm_count(uintptr_t, int, long)');
  const five = { arg1: 2n, arg2: 2n, arg3: 2n, arg4: 2n, arg5: 2n };
  using trampoline = createTrampoline({
    mode: 'slow',
    registers: { pc: symbolAddress('five', path), ...five },
  });
  const each = rounds({ normal: 200_000, long: 1_000_000 });
  assert.deepEqual(trampoline.stats(), { invocations: 0n, refusals: 0n });
  assert.equal(count(trampoline.address, 8, each), 8 * each);
  assert.deepEqual(trampoline.stats(), { invocations: BigInt(8 * each), refusals: 0n });
});

test('counters start at 0 when an address is reused', () => {
  const first = createTrampoline(slow);
  const { address } = first;
  for (let calls = 0; calls < 3; calls++) callInt64(address);
  assert.deepEqual(first.stats(), { invocations: 3n, refusals: 0n });
  first.close();
  // Slots that were never used are allocated first: a block of them.
  for (let turn = 0; turn <= 2 ** 17; turn++) {
    const trampoline = createTrampoline(slow);
    if (trampoline.address === address) {
      assert.deepEqual(trampoline.stats(), { invocations: 0n, refusals: 0n });
      callInt64(address);
      assert.equal(trampoline.stats().invocations, 1n);
      trampoline.close();
      return;
    }
    trampoline.close();
  }
  assert.fail('the address is not reused');
});

test('a refused invocation is SIGSEGV at the address, with the registers as they were', { skip }, () => {
  const path = compileLibrary('faults', ['faults.c']);
  const [one, other] = processor.faultRegisters;
  const { stdout, stderr, signal } = runScript(`
    import assert from 'node:assert/strict';
    const path = '${path}';
    const library = koffi.load(path);
    library.func('int faults_dispose(int)')(2);
    const act = library.func('int faults_do(int, uintptr_t)');
    const tell = library.func('void faults_tell(void *)');
    const pc = symbolAddress('getpid');
    const other = symbolAddress('getppid');
    const t = createTrampoline({ mode: 'slow', registers: { pc, ${one}: 1n, ${other}: 2n } });
    let [invocations, refusals] = [0n, 0n];
    const invoke = (as) => {
      const back = act(2, t.address);
      assert.equal(back, as === 'refused' ? 1 : 0, as);
      if (as === 'refused') {
        refusals++;
        const words = new BigInt64Array(8);
        tell(words);
        const [count, code, address, at, value, mask, one, other] = words;
        assert.deepEqual({ count, address, at, one, other },
          { count: refusals, address: t.address, at: t.address, one: 0x1234567n, other: 0x1234568n });
        assert.ok(code > 0n);
      } else {
        invocations++;
      }
      assert.deepEqual(t.stats(), { invocations, refusals });
    };
    const allowed = () => invoke('allowed');
    const refused = () => invoke('refused');

    allowed();
    t.update({ allowedPcs: [other] });
    refused();
    t.update({ allowedPcs: Array(15).fill(other).concat(pc) });
    allowed();
    t.update({ allowedPcs: Array(16).fill(other) });
    refused();
    t.update({ allowedPcs: null });
    allowed();

    const start = symbolAddress('faults_do', path);
    const inside = [start, start + 0x400n];
    const outside = [pc, pc + 1n];
    t.update({ allowedCallers: [outside] });
    refused();
    t.update({ allowedCallers: [inside] });
    allowed();
    console.log('done');
  `);
  assert.equal(stdout, 'done\n', `${signal} ${stderr}`);
});

test('checks of several kinds together, and contexts that are removed and set again', { skip }, () => {
  const path = compileLibrary('faults', ['faults.c']);
  const { stdout, stderr, signal } = runScript(`
    import assert from 'node:assert/strict';
    const path = '${path}';
    const library = koffi.load(path);
    library.func('int faults_dispose(int)')(2);
    const act = library.func('int faults_do(int, uintptr_t)');
    const pc = symbolAddress('getpid');
    const start = symbolAddress('faults_do', path);
    const inside = [start, start + 0x400n];
    const outside = Array.from({ length: 7 }, (_, index) => [pc + BigInt(index), pc + BigInt(index) + 1n]);
    const t = createTrampoline({
      mode: 'slow', registers: { pc }, allowedPcs: [1n, pc], allowedCallers: [...outside, inside],
    });
    assert.equal(act(2, t.address), 0);
    t.update({ allowedPcs: [1n] });
    assert.equal(act(2, t.address), 1);
    t.update({ allowedPcs: [pc] });
    t.update({ allowedCallers: outside });
    assert.equal(act(2, t.address), 1);
    t.update({ allowedCallers: null });
    t.update({ stackData: { data: new Uint8Array(8), offset: 200 } });
    assert.equal(call(t.address), process.pid);
    t.update({ registers: null });
    assert.equal(act(2, t.address), 1);
    t.update({ registers: { pc } });
    assert.equal(call(t.address), process.pid);
    assert.deepEqual(t.stats(), { invocations: 3n, refusals: 2n });
    console.log('done');
  `);
  assert.equal(stdout, 'done\n', `${signal} ${stderr}`);
});

test('bad input, and features that fast trampolines lack', () => {
  const range = [1n, 2n] as const;
  const wrong: [unknown, RegExp][] = [
    [pc, /^TypeError: allowedCallers must be an array, not a bigint/],
    [[pc], /^TypeError: allowedCallers\[0\] must be a pair/],
    [[range, [1n, 2n, 3n]], /^TypeError: allowedCallers\[1\] must be a pair/],
    [[[1, 2]], /^TypeError: allowedCallers\[0\]\[0\] must be a bigint, not a number: write 1n/],
    [[[2n, 2n]], /^RangeError: allowedCallers\[0\] is empty: 0x2 to 0x2/],
    [[[2n, 1n]], /^RangeError: allowedCallers\[0\] is empty/],
    [[[1n, 2n ** 64n]], /^RangeError: allowedCallers\[0\]\[1\]/],
    [Array(9).fill(range), /^RangeError: allowedCallers has 9 entries; at most 8/],
  ];
  using trampoline = createTrampoline({ ...slow, allowedCallers: [[0n, 2n ** 64n - 1n]] });
  for (const [allowedCallers, message] of wrong) {
    assert.throws(() => createTrampoline({ ...slow, allowedCallers: allowedCallers as never }), message);
    assert.throws(() => trampoline.update({ allowedCallers: allowedCallers as never }), message);
  }
  assert.deepEqual(trampoline.allowedCallers, [[0n, 2n ** 64n - 1n]]);
  assert.equal(callInt64(trampoline.address), pid);
  trampoline.update({ allowedCallers: [] });
  assert.equal(trampoline.allowedCallers, undefined);

  using fast = createTrampoline({ registers: { pc } });
  assert.throws(() => fast.stats(), /^TypeError: stats\(\) is for slow trampolines; this one is fast/);
  assert.throws(() => fast.update({ allowedCallers: [range] }), /^TypeError: allowedCallers is for slow/);
  assert.throws(
    () => createTrampoline({ registers: { pc }, allowedCallers: [range] }),
    /^TypeError: allowedCallers is for slow/,
  );
  assert.throws(
    () => createTrampoline({ ...slow, codeSource: 'memfd' }),
    /^RangeError: codeSource is for code, which slow trampolines do not have/,
  );
  assert.throws(
    () => createTrampolineTable({ mode: 'slow', registers: [], codeSource: 'memfd' }),
    /^RangeError: codeSource is for code/,
  );
  trampoline.freeze();
  assert.throws(() => trampoline.update({ allowedCallers: null }), { code: 'ERR_TRAMPFD_FROZEN' });
  const gone = createTrampoline(slow);
  gone.close();
  for (const use of [() => gone.stats(), () => gone.freeze(), () => gone.update({ allowedCallers: null })]) {
    assert.throws(use, { code: 'ERR_TRAMPFD_CLOSED' });
  }
});

test('a million: one mapping without a page for the addresses, 64 bytes each at most', () => {
  const { stdout, stderr } = runScript(
    `
    import { readFileSync } from 'node:fs';
    import { setFlagsFromString } from 'node:v8';
    import { runInNewContext } from 'node:vm';
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc');
    // Counts each page once, however often it is mapped, plus the JavaScript heap. Excludes pages of files: their
    // share depends on how many processes run the same program.
    const usage = () => {
      gc(); gc();
      const shares = readFileSync('/proc/self/smaps_rollup', 'utf8').matchAll(/^Pss_(Anon|Shmem): +(\\d+) kB$/gm);
      const pss = [...shares].reduce((sum, [, , kilobytes]) => sum + Number(kilobytes) * 1024, 0);
      return { pss, heap: process.memoryUsage().heapUsed };
    };
    const count = 1_000_000;
    const pc = symbolAddress('getpid');
    const table = createTrampolineTable({ mode: 'slow', registers: ['arg2'] });
    for (let i = 0; i < count / 10; i++) table.delete(table.add({ pc, arg2: 1n }));
    const addresses = new BigUint64Array(count).fill(1n);
    const before = usage();
    for (let i = 0; i < count; i++) addresses[i] = table.add({ pc, arg2: BigInt(i) });
    const after = usage();
    for (let i = 0; i < count; i += 1000) if (call(addresses[i]) !== process.pid) throw new Error('wrong result');
    const smaps = readFileSync('/proc/self/smaps', 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
    const spans = new Map();
    for (const text of smaps) {
      const [start, end] = text.split(' ')[0].split('-').map((hex) => BigInt('0x' + hex));
      const inside = addresses.filter((address) => start <= address && address < end).length;
      if (inside > 0) spans.set(text.split('\\n')[0], { inside, access: text.split(' ')[1],
        kilobytes: [...text.matchAll(/^(Rss|Pss|Swap): +(\\d+) kB$/gm)].map(([, , kb]) => Number(kb)) });
    }
    console.log(JSON.stringify({
      bytes: (after.pss - before.pss + Math.max(0, after.heap - before.heap)) / count,
      spans: [...spans.values()],
    }));
  `,
  );
  assert.equal(stderr, '');
  const { bytes, spans } = JSON.parse(stdout) as { bytes: number; spans: unknown[] };
  assert.deepEqual(spans, [{ inside: 1_000_000, access: '---p', kilobytes: [0, 0, 0] }]);
  assert.ok(bytes > 32 && bytes <= 64, `${bytes} bytes each`);
});

test('fault records and selectors cannot be written through the mappings that the handler reads', () => {
  using trampoline = createTrampoline(slow);
  const views = mappings().filter(
    ({ path, shared, writable }) => path.startsWith('/memfd:trampfd-data') && shared && !writable,
  );
  // The control block, selectors, and fault records.
  assert.ok(views.length >= 3, views.map(({ text }) => text).join('\n'));
  for (const view of views) {
    assert.match(view.text, / r--s /);
    expectRefused(writes(view));
    if (outcome(() => mapFile(view)) === 'ok' && process.getuid?.() === 0) {
      expectRefused(fileAttacks(mapFile(view), lengthOf(view)));
    }
  }
  const reserved = mappings().find(
    ({ start, end }) => start <= trampoline.address && trampoline.address < end,
  )!;
  assert.match(reserved.text, / ---p /);
  assert.equal(callInt64(trampoline.address), pid);
});

describe('one handler for a process', () => {
  /** A function that returns the address of the handler. */
  const handler = `
    const { sigaction } = await import('trampfd-own/linux/process/signal.js');
    const handler = () => sigaction(${constants.signals.SIGSEGV}).handler;
  `.replace('trampfd-own', new URL('../../../dist', import.meta.url).pathname);

  test('shared by Workers, whose trampolines outlive them', () => {
    const { stdout, stderr } = runScript(`
      import assert from 'node:assert/strict';
      import { once } from 'node:events';
      import { Worker } from 'node:worker_threads';
      ${handler}
      const script = \`
        Promise.all([import('#src/index.js'), import('node:worker_threads')]).then(([trampfd, { parentPort }]) => {
          const { createTrampoline, createTrampolineTable, symbolAddress } = trampfd;
          const pc = symbolAddress('getpid');
          const table = createTrampolineTable({ mode: 'slow', registers: ['arg0'] });
          const one = createTrampoline({ mode: 'slow', registers: { pc } });
          parentPort.postMessage([one.address, table.add({ pc, arg0: 1n })]);
          setInterval(() => {}, 1000);
        });
      \`;
      const workers = [1, 2].map(() => new Worker(script, { eval: true }));
      const messages = await Promise.all(workers.map((worker) => once(worker, 'message')));
      const addresses = messages.flat(2);
      const standing = handler();
      const own = createTrampoline({ mode: 'slow', registers: { pc: symbolAddress('getpid') } });
      assert.equal(new Set([...addresses, own.address]).size, 5);
      assert.equal(handler(), standing);
      const check = () => [...addresses, own.address].forEach((address) => assert.equal(call(address), process.pid));
      check();
      for (const worker of workers) await worker.terminate();
      globalThis.gc?.();
      check();
      const later = new Worker(script, { eval: true });
      addresses.push(...(await once(later, 'message')).flat());
      check();
      assert.equal(handler(), standing);
      await later.terminate();
      check();
      console.log('done');
    `);
    assert.equal(stdout, 'done\n', stderr);
  });

  test('shared by copies of this package', () => {
    const { stdout, stderr } = runScript(`
      import assert from 'node:assert/strict';
      import { cpSync, mkdtempSync, rmSync } from 'node:fs';
      import { join } from 'node:path';
      ${handler}
      const folder = mkdtempSync(join(process.cwd(), 'build/copy-'));
      try {
        cpSync('dist', join(folder, 'dist'), { recursive: true });
        const pc = symbolAddress('getpid');
        const before = handler();
        const first = createTrampoline({ mode: 'slow', registers: { pc } });
        const standing = handler();
        assert.notEqual(standing, before);
        const copy = await import(join(folder, 'dist/bundle/index.js'));
        assert.notEqual(copy.createTrampoline, createTrampoline);
        const second = copy.createTrampoline({ mode: 'slow', registers: { pc } });
        assert.equal(handler(), standing);
        for (const one of [first, second]) {
          assert.equal(call(one.address), process.pid);
          assert.equal(one.stats().invocations, 1n);
        }
        console.log('done');
      } finally {
        rmSync(folder, { recursive: true });
      }
    `);
    assert.equal(stdout, 'done\n', stderr);
  });
});
