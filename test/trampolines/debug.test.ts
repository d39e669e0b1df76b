/** What a call of something freed looks like, to a person without and with debug mode, and in gdb. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { addressOf, createTrampoline, createTrampolineTable, symbolAddress } from '#src/index.js';
import { runScript } from '../support/child.js';
import { needs } from '../support/needs.js';

/** Freeing and calling, for every kind of trampoline. */
const makers = {
  single: `const t = createTrampoline({ registers: { pc }, name: 'lost', ...options });
           const { address } = t;
           function giveUp() { t.close(); }`,
  handler: `const t = trampfd.createRegisterHandler({ handler: pc, name: 'lost', ...options });
           const { address } = t;
           function giveUp() { t.close(); }`,
  inline: `const t = createTrampolineTable({ registers: ['arg0'], name: 'lost', ...options });
           const address = t.add({ pc, arg0: 1n });
           function giveUp() { t.delete(address); }`,
  atomic: `const t = createTrampolineTable({ registers: ['arg0'], name: 'lost', atomic: true, ...options });
           const address = t.add({ pc, arg0: 1n });
           function giveUp() { t.delete(address); }`,
  slow: `const t = createTrampoline({ mode: 'slow', registers: { pc }, name: 'lost', ...options });
         const { address } = t;
         function giveUp() { t.close(); }`,
  'slow table': `const t = createTrampolineTable({ mode: 'slow', registers: ['arg0'], name: 'lost', ...options });
           const address = t.add({ pc, arg0: 1n });
           function giveUp() { t.delete(address); }`,
};
/** Slow ones have no code that could trap. */
const signalOf = (kind: string): string => (kind.startsWith('slow') ? 'SIGSEGV' : 'SIGTRAP');

/** V8 uses SIGSEGV for its own ends. */
const quiet = ['set debuginfod enabled off', 'handle SIGSEGV nostop noprint pass'];
const gdb = ['gdb', '-nx', '-q', '-batch', ...quiet.flatMap((command) => ['-ex', command])];

for (const [kind, make] of Object.entries(makers)) {
  describe(`a freed trampoline, ${kind}`, () => {
    const script = (options: string) => `
      const pc = symbolAddress('getpid');
      const options = ${options};
      ${make}
      call(address);
      giveUp();
      console.log('freed 0x' + address.toString(16));
      call(address);
      console.log('still here');
    `;

    test('traps', () => {
      const { signal, stdout, stderr } = runScript(script('{}'));
      assert.equal(signal, signalOf(kind));
      assert.match(stdout, /^freed 0x[0-9a-f]+\n$/);
      assert.equal(stderr, '');
    });

    test('says whose it was in debug mode', () => {
      for (const result of [
        runScript(script('{ debug: true }')),
        runScript(script('{}'), { env: { TRAMPFD_DEBUG: '1' } }),
      ]) {
        assert.equal(result.signal, signalOf(kind), result.stderr);
        assert.match(result.stderr, /trampfd: a freed trampoline was called: "lost(#0)?" at 0x[0-9a-f]+\n/);
        assert.match(result.stderr, /\n {2}created\n {6}at .*\n/);
        assert.match(result.stderr, /\n {2}freed\n {6}at giveUp .*\n/);
        const [, address] = /freed (0x[0-9a-f]+)/.exec(result.stdout)!;
        assert.ok(result.stderr.includes(`at ${address}\n`));
        assert.doesNotMatch(result.stdout, /still here/);
      }
    });

    // gdb passes on SIGSEGV, which V8 uses for its own ends, and so it does not stop at a slow one.
    if (kind.startsWith('slow')) return;
    test('is named in the frame list of gdb', { skip: needs('gdb') }, () => {
      const under = [...gdb, '-ex', 'run', '-ex', 'bt 3', '--args'];
      const { stdout, stderr } = runScript(script('{ debug: true }'), { under });
      assert.match(stdout, /Program terminated|received signal SIGTRAP/, stderr);
      assert.match(stdout, /#0 +0x[0-9a-f]+ in lost(#0)? \(freed\) \(\)/);
      assert.match(stdout, /#1 /);
    });
  });
}

test('gdb finds a live trampoline by its name', { skip: needs('gdb') }, () => {
  const script = `
    const options = { registers: { pc: symbolAddress('abort') }, debug: true };
    const [one, two] = ['first-name', 'second-name'].map((name) => createTrampoline({ ...options, name }));
    console.log('first at 0x' + one.address.toString(16) + ', second at 0x' + two.address.toString(16));
    call(two.address);
  `;
  const ask = ['first', 'second'].flatMap((which) => ['-ex', `info address ${which}-name`]);
  const { stdout } = runScript(script, { under: [...gdb, '-ex', 'run', ...ask, '--args'] });
  const [, first, second] = /first at 0x(\w+), second at 0x(\w+)/.exec(stdout)!;
  assert.match(stdout, new RegExp(`Symbol "first-name" is .*0x0*${first}`));
  assert.match(stdout, new RegExp(`Symbol "second-name" is .*0x0*${second}`));
});

test('debug mode refuses a PC without code', () => {
  const data = new BigUint64Array(8);
  const table = createTrampolineTable({ registers: [], debug: true });
  const good = createTrampoline({ registers: { pc: symbolAddress('getpid') }, debug: true });
  for (const [pc, message] of [
    [0x1000n, /pc 0x1000 is not mapped/],
    [2n ** 64n - 1n, /is not mapped/],
    [addressOf(data), /is in memory that is not executable: /],
  ] as const) {
    assert.throws(() => createTrampoline({ registers: { pc }, debug: true }), message);
    assert.throws(() => table.add({ pc }), message);
    assert.throws(() => table.addMany({ pc }, 2), message);
    assert.throws(() => good.update({ registers: { pc } }), message);
  }
  assert.equal(table.size, 0);
  table.close();
  good.close();
});

test('a list that is refused leaves the one before', () => {
  const { stdout, stderr } = runScript(`
    const libc = koffi.load(null);
    const pc = BigInt(libc.func('intptr_t mmap(intptr_t, size_t, int, int, int, long)')(0, 65536, 5, 0x22, -1, 0));
    const trampoline = createTrampoline({ registers: { pc }, allowedPcs: [pc], debug: true });
    libc.func('int munmap(intptr_t, size_t)')(pc, 65536);
    for (const list of [[pc, 1n], null]) {
      let refused;
      try { trampoline.update({ allowedPcs: list }); } catch (error) { refused = error.message; }
      console.log(/is not mapped/.test(refused), trampoline.allowedPcs.length);
    }
  `);
  assert.equal(stdout, 'true 1\ntrue 1\n', stderr);
});

test('a place that is used again forgets what it was', () => {
  const { signal, stderr } = runScript(`
    const table = createTrampolineTable({ registers: [], debug: true, name: 'first' });
    const pc = symbolAddress('getpid');
    const address = table.add({ pc });
    table.delete(address);
    let again = 0n;
    for (let turn = 0; again !== address; turn++) {
      if (turn === 2 ** 13) throw new Error('the place is not used again');
      again = table.add({ pc });
    }
    if (call(again) !== process.pid) throw new Error('wrong result');
    table.delete(again);
    call(again);
  `);
  assert.equal(signal, 'SIGTRAP', stderr);
  assert.match(stderr, /"first#[1-9]\d*" at/);
});

test('the list for gdb is taken from a thread that ended while it had it', () => {
  const { status, signal, stderr } = runScript(
    `
    import { dlopen, dlsym } from '#src/native/dl.js';
    import { gdbJitLibraryPath, jitDescriptorName } from '#src/native/gdb-jit.js';
    const descriptor = dlsym(jitDescriptorName, dlopen(gdbJitLibraryPath(process.arch)));
    // No thread has this number: it is above PID_MAX_LIMIT.
    new Int32Array(trampfd.viewMemory(descriptor, 32).buffer)[6] = 2 ** 23;
    createTrampoline({ registers: { pc: symbolAddress('getpid') }, debug: true }).close();
  `,
    { under: ['timeout', '60'] },
  );
  assert.equal(status, 0, `${signal}\n${stderr}`);
});

test('a stack trace that the program made something else of', () => {
  const { status, stderr } = runScript(`
    Error.prepareStackTrace = (_, sites) => sites;
    createTrampoline({ registers: { pc: symbolAddress('getpid') }, debug: true }).close();
  `);
  assert.equal(status, 0, stderr);
});
