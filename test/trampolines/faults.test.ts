/** The SIGSEGV handler of slow trampolines together with a program's own faults and handlers. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { runScript } from '../support/child.js';
import { compileLibrary } from '../support/compile.js';
import { about, needs } from '../support/needs.js';
import { processor } from '../support/processor.js';
import { needsStrace } from '../support/strace.js';

const skip = needs('gcc');
const jitless = process.execArgv.includes('--jitless') || /--jitless/.test(process.env['NODE_OPTIONS'] ?? '');
const { SIGSEGV, SIGUSR2 } = constants.signals;
const { instruction } = processor;
/** In `faults.c`. */
const sentValue = 0x1234567;

/** Kinds of faults and where they are reported, as expressions of the script below. */
const faults = {
  'a null read': { what: 'READ', at: '8n' },
  'a write to read-only memory': { what: 'WRITE', at: 'readOnly' },
  'a jump to memory that is not executable': { what: 'CALL', at: 'readOnly' },
  'a jump to memory that is not mapped': { what: 'CALL', at: '0x1000n' },
  'a jump to a null pointer': { what: 'CALL', at: '0n' },
  'a jump past the start of a slot': { what: 'CALL', at: `slow.address + ${instruction}n` },
  'a jump to the last place in a slot': { what: 'CALL', at: `slow.address + ${8 - instruction}n` },
  'a read of a slot': { what: 'READ', at: 'slow.address' },
  'a call of a freed trampoline': { what: 'CALL', at: 'freed' },
  'a call of a place that was never used': { what: 'CALL', at: 'slow.address + 0x4000n' },
} as const;
const sent = { kill: 'KILL', tgkill: 'TGKILL', sigqueue: 'QUEUE' } as const;

/** Sets the SIGSEGV action, creates a slow trampoline, and sets the action again. */
function setting(before: number | undefined, after?: number): string {
  const path = compileLibrary('faults', ['faults.c']);
  const dispose = (how: number | undefined) => (how === undefined ? '' : `dispose(${how});`);
  return `
    const library = koffi.load('${path}');
    const dispose = library.func('int faults_dispose(int)');
    const act = library.func('int faults_do(int, uintptr_t)');
    const tell = library.func('void faults_tell(void *)');
    const [READ, WRITE, CALL, KILL, TGKILL, QUEUE] = [0, 1, 2, 3, 4, 5];
    const readOnly = BigInt(koffi.load(null).func('intptr_t mmap(intptr_t, size_t, int, int, int, long)')(0, 4096, 1, 0x22, -1, 0));
    ${dispose(before)}
    const pc = symbolAddress('getpid');
    const slow = createTrampoline({ mode: 'slow', registers: { pc } });
    const gone = createTrampoline({ mode: 'slow', registers: { pc } });
    const freed = gone.address;
    gone.close();
    const invoke = () => { if (call(slow.address) !== process.pid) throw new Error('wrong result'); };
    ${dispose(after)}
  `;
}

/** Runs a script that prints one line of JSON. */
function told<Value>(script: string): Value {
  const { stdout, stderr, signal, status } = runScript(script);
  assert.deepEqual({ signal, status, stderr }, { signal: null, status: 0, stderr: '' }, stdout);
  return JSON.parse(stdout) as Value;
}

interface Seen {
  readonly name: string;
  readonly back: number;
  readonly expected: string;
  readonly words: readonly string[];
}

for (const [title, before, after] of [
  ['installed before ours', 2, undefined],
  ['installed after ours', undefined, 2],
] as const) {
  test(`a program's own handler, ${title}, sees its faults`, { skip }, () => {
    const cases = Object.entries(faults).map(([name, { what, at }]) => `['${name}', ${what}, ${at}]`);
    const signals = Object.entries(sent).map(([name, what]) => `['${name}', ${what}, 0n]`);
    const seen = told<Seen[]>(`
      ${setting(before, after)}
      const list = [];
      for (const [name, what, at] of [${[...cases, ...signals].join()}]) {
        if (${after === undefined}) invoke();
        const words = new BigInt64Array(8);
        const back = act(what, at);
        tell(words);
        list.push({ name, back, expected: String(BigInt.asIntN(64, at)), words: [...words].map(String) });
      }
      if (${after === undefined}) invoke();
      console.log(JSON.stringify(list));
    `);
    seen.forEach(({ name, back, expected, words }, index) => {
      const [count, code, address, pc, value, mask, one, other] = words.map(BigInt);
      assert.equal(count, BigInt(index + 1), `${name}: once`);
      assert.equal(mask, (1n << BigInt(SIGSEGV - 1)) | (1n << BigInt(SIGUSR2 - 1)), `${name}: the mask`);
      if (name in sent) {
        assert.ok(code! <= 0n, name);
        assert.equal(back, 0, `${name}: the handler returned`);
        assert.equal(value, name === 'sigqueue' ? BigInt(sentValue) : 0n, name);
        return;
      }
      assert.ok(code! > 0n, name);
      assert.equal(back, 1, name);
      assert.equal(address, BigInt(expected), name);
      if (!/jump|call/.test(name)) return;
      assert.equal(pc, BigInt(expected), name);
      assert.deepEqual([one, other], [BigInt(sentValue), BigInt(sentValue + 1)], `${name}: registers`);
    });
  });
}

/** The signal that killed a script, its fault address, and whether strace saw another process send it. */
function fatal(script: string): { signal: string | null; last: string; all: string } {
  const folder = mkdtempSync(join(tmpdir(), 'trampfd-strace-'));
  try {
    const log = join(folder, 'signals');
    const under = ['strace', '-f', '-qq', '-e', 'trace=none', '-o', log];
    const { signal, stdout, stderr } = runScript(script, { under });
    const lines = readFileSync(log, 'utf8').split('\n');
    const last = lines.filter((line) => line.includes('--- SIGSEGV')).at(-1) ?? '';
    return { signal, last: `${last} ${stdout}${stderr}`, all: lines.join('\n') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

for (const [title, how] of [
  ['default', 0],
  ['ignored', 1],
] as const) {
  describe(`SIGSEGV was ${title} before`, { skip: skip || needsStrace() }, () => {
    for (const [name, { what, at }] of Object.entries(faults)) {
      test(`${name} kills, with the fault address`, () => {
        const { signal, last } = fatal(`
          ${setting(how)}
          invoke();
          console.log('expected 0x' + (${at}).toString(16));
          act(${what}, ${at});
        `);
        assert.equal(signal, 'SIGSEGV', last);
        const [, expected] = /expected 0x(\w+)/.exec(last)!;
        const [, address] = /si_code=SEGV_\w+, si_addr=(\w+)/.exec(last)!;
        assert.equal(address === 'NULL' ? 0n : BigInt(address!), BigInt(`0x${expected}`), last);
      });
    }
    for (const [name, what] of Object.entries(sent)) {
      test(`${name} ${how === 0 ? 'kills as sent' : 'is ignored'}`, () => {
        const { signal, last, all } = fatal(`
          ${setting(how)}
          invoke();
          act(${what}, 0n);
          invoke();
          console.log('alive');
        `);
        assert.equal(signal, how === 0 ? 'SIGSEGV' : null, last);
        assert.equal(/alive/.test(last), how === 1);
        const code = { KILL: 'SI_USER', TGKILL: 'SI_TKILL', QUEUE: 'SI_QUEUE' }[what];
        assert.match(how === 0 ? last : all, new RegExp(`si_code=${code}, si_pid=\\d+, si_uid=\\d+`));
        if (what === 'QUEUE') assert.match(how === 0 ? last : all, new RegExp(`si_int=${sentValue}\\b`));
      });
    }
  });
}

test("V8's traps of WebAssembly still work", { skip: skip || (jitless && 'no WebAssembly') }, () => {
  const code =
    '0061736d010000000106016' + '0017f017f03020100050301000107050101660000' + '0a0901070020002802000b';
  const traps = told<string[]>(`
    const { f } = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from('${code}', 'hex'))).exports;
    const trap = () => { try { return 'loaded ' + f(0x7fff0000); } catch (error) { return error.message; } };
    const traps = [trap()];
    ${setting(undefined)}
    for (let round = 0; round < 1000; round++) { invoke(); traps.push(trap()); invoke(); }
    console.log(JSON.stringify([...new Set(traps), f(8)]));
  `);
  assert.deepEqual(traps, ['memory access out of bounds', 0]);
});

/** A script with a slow trampoline to a function of a library of `test/programs`. */
function withTarget(library: string, target: string, arg0: bigint, before = ''): string {
  const path = compileLibrary(library, [`${library}.c`]);
  return `
    const path = '${path}';
    const library = koffi.load(path);
    ${before}
    const { address } = createTrampoline({
      mode: 'slow', registers: { pc: symbolAddress('${target}', path), arg0: ${arg0}n },
    });
  `;
}

for (const [how, title] of ['no other stack', 'another stack', 'SS_AUTODISARM'].entries()) {
  const lacks = title === 'SS_AUTODISARM' && needs('SS_AUTODISARM');
  test(`invocations inside signal handlers, ${title}`, { skip: skip || lacks }, () => {
    const answer = told<number>(`
      ${withTarget('signals', 'observe', 21n)}
      console.log(library.func('int signals_invoke(uintptr_t, long, int)')(address, 21, ${how}));
    `);
    assert.equal(answer, 0);
  });
}

test('invocations that a timer interrupts to invoke', { skip }, () => {
  const wrong = told<number>(`
    ${withTarget('signals', 'quick', 22n)}
    console.log(library.func('long signals_alarm(uintptr_t, long, long)')(address, 22, 5000));
  `);
  assert.equal(wrong, 0);
});

test('siglongjmp out of a target', { skip }, () => {
  const values = told<number[]>(`
    ${withTarget('signals', 'leave', 23n)}
    const jump = library.func('int signals_jump(uintptr_t)');
    console.log(JSON.stringify([jump(address), jump(address), jump(address)]));
  `);
  assert.deepEqual(values, [23, 23, 23]);
});

for (const when of ['before', 'after'] as const) {
  test(`a stack overflow in a target reaches a handler installed ${when} ours`, { skip }, () => {
    const catching = `library.func('void chain_catch()')();`;
    const value = told<number>(`
      ${withTarget('chain', 'overflow', 0n, when === 'before' ? catching : '')}
      // A handler installed later runs first, and this one does not call ours.
      const inside = '${when}' === 'before' ? address : symbolAddress('overflow', path);
      ${when === 'after' ? catching : ''}
      console.log(library.func('int chain_overflow(uintptr_t)')(inside));
    `);
    assert.equal(value, 7);
  });
}

test('the kernel kills if SIGSEGV is blocked', { skip }, () => {
  const { signal, stderr } = runScript(`
    ${withTarget('chain', 'chain_catch', 0n)}
    library.func('int chain_blocked(uintptr_t)')(address);
  `);
  assert.equal(signal, 'SIGSEGV', stderr);
});

/** Also loads `chain.c`. */
const withChain = (): string => `const chain = koffi.load('${compileLibrary('chain', ['chain.c'])}');`;

for (const [calling, how] of ['jumps to', 'calls'].entries()) {
  test(`a handler before ours that ${how} it does not stay in force at the target`, { skip }, () => {
    const [answer, asked] = told<[number, number]>(`
      ${withTarget('signals', 'observe', 24n)}
      ${withChain()}
      chain.func('void chain_wrap(int)')(${calling});
      const answer = library.func('int signals_invoke(uintptr_t, long, int)')(address, 24, 1);
      console.log(JSON.stringify([answer, chain.func('long chain_asked()')()]));
    `);
    assert.equal(answer, 0);
    // Three times outside and inside a handler, once inside, once nested; each time the handler is called.
    assert.equal(asked, calling === 1 ? 8 : 0);
  });
}

test('an invocation with the nested-task flag set, which IRETQ does not support', {
  skip: skip || about('x64'),
}, () => {
  const answer = told<number>(`
    ${withTarget('signals', 'quick', 25n)}
    ${withChain()}
    console.log(chain.func('long chain_nested_task(uintptr_t)')(address));
  `);
  assert.equal(answer, 25);
});
