/** Lifetime and number of callbacks, and calls of closed ones. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Callback, callbackStats, createCallback, disassemble, nativeFunction } from 'trampfd';
import { callMany } from '../support/callbacks.js';
import { runScript } from '../support/child.js';
import { needs } from '../support/needs.js';
import { randomFor, rounds } from '../support/random.js';

const collecting = { env: { NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --expose-gc` } };

test('a callback may close itself while it runs', () => {
  const callback: Callback = createCallback('int (int)', (value) => {
    callback.close();
    return value + 1;
  });
  assert.equal(nativeFunction('int (int)', callback.address)(41), 42);
});

test('a closed callback cannot keep the event loop alive; closing again does nothing', () => {
  const callback = createCallback('void (void)', () => {}, { name: 'mine' });
  callback.close();
  callback.close();
  callback[Symbol.dispose]();
  callback.unref();
  assert.throws(() => callback.ref(), {
    code: 'ERR_TRAMPFD_CLOSED',
    message: /callback "mine" \(void \(void\)\): it is closed/,
  });
});

test('leaks can be counted', () => {
  const before = callbackStats();
  const callbacks = Array.from({ length: 10 }, () => createCallback('int (int)', (value) => value));
  for (const callback of callbacks.slice(0, 4)) callback.close();
  const { live, created, closed } = callbackStats();
  assert.deepEqual([live - before.live, created - before.created, closed - before.closed], [6, 10, 4]);
  for (const callback of callbacks) callback.close();
  assert.equal(callbackStats().live, before.live);
});

test('a callback without references can still be called', () => {
  const { stdout, stderr } = runScript(
    `
    const { createCallback, nativeFunction } = trampfd;
    const address = createCallback('int (int)', (value) => value * 2).address;
    for (let turn = 0; turn < 5; turn++) gc();
    console.log(nativeFunction('int (int)', address)(21));
  `,
    collecting,
  );
  assert.equal(stdout, '42\n', stderr);
});

test('garbage collection during calls', () => {
  const { stdout, stderr } = runScript(
    `
    const { createCallback, nativeFunction } = trampfd;
    const text = createCallback('const char *(const char *, double)', (input, number) => {
      gc();
      return input + number + new Array(100).join('x').slice(0, 3);
    });
    const use = nativeFunction('const char *(const char *, double)', text.address);
    for (let turn = 0; turn < 20; turn++) {
      const result = use('text'.repeat(turn), turn + 0.5);
      if (result !== 'text'.repeat(turn) + (turn + 0.5) + 'xxx') throw new Error(result);
    }
    console.log('right');
  `,
    collecting,
  );
  assert.equal(stdout, 'right\n', stderr);
});

test('a call that rejects an argument releases the earlier ones', () => {
  const { stdout, stderr } = runScript(
    `
    const { createCallback, nativeFunction, struct } = trampfd;
    const memchr = nativeFunction('void *(void *, int, size_t)', symbolAddress('memchr'));
    const both = struct({ memory: 'void *', number: 'int' });
    const take = nativeFunction({ result: 'int', args: [both] }, symbolAddress('abs'));
    let input;
    const give = createCallback({ result: both, args: [] }, () => ({ memory: input, number: 'bad' }));
    const attempts = {
      argument: (memory) => memchr(memory, 'bad', 1),
      field: (memory) => take({ memory, number: 'bad' }),
      result: (memory) => {
        input = memory;
        nativeFunction({ result: both, args: [] }, give.address)();
      },
    };
    for (const [name, attempt] of Object.entries(attempts)) {
      let refused = 0;
      const references = Array.from({ length: 20 }, () => {
        const memory = new Uint8Array(100);
        try {
          attempt(memory);
        } catch (error) {
          if (error instanceof TypeError) refused++;
        }
        input = undefined;
        return new WeakRef(memory);
      });
      await new Promise(setImmediate);
      gc();
      console.log(name, refused, references.filter((reference) => reference.deref() !== undefined).length < 2);
    }
  `,
    collecting,
  );
  assert.equal(stdout, 'argument 20 true\nfield 20 true\nresult 20 true\n', stderr);
});

test('an error result that is text or memory stays valid', () => {
  const { stdout, stderr } = runScript(
    `
    const { createCallback, nativeFunction, viewMemory } = trampfd;
    process.on('uncaughtException', () => {});
    const fails = () => {
      throw new Error('no');
    };
    const text = 'text'.repeat(5000);
    const texts = createCallback('const char *(void)', fails, { errorResult: text });
    const memories = createCallback('void *(void)', fails, { errorResult: new Uint8Array(20_000).fill(7) });
    nativeFunction('size_t (const char *)', symbolAddress('strlen'))('something else');
    for (let turn = 0; turn < 5; turn++) {
      gc();
      await new Promise(setImmediate);
    }
    const others = Array.from({ length: 100 }, () => Buffer.alloc(20_001, 'z'));
    // On another thread, because a call on this one would throw.
    const found = await nativeFunction('const char *(void)', texts.address).async();
    const address = await nativeFunction('void *(void)', memories.address).async();
    const sevens = viewMemory(address, 20_000).every((byte) => byte === 7);
    console.log(found === text, sevens, others.length);
  `,
    collecting,
  );
  assert.equal(stdout, 'true true 100\n', stderr);
});

test('many callbacks, created and closed in any order, call their own functions', (t) => {
  const random = randomFor(t);
  const live = new Map<Callback, number>();
  for (let turn = 0; turn < rounds({ normal: 20_000, long: 2_000_000 }); turn++) {
    if (live.size > 0 && random.integer({ to: 9 }) < 4) {
      const [callback, number] = [...live][random.integer({ to: Math.min(20, live.size - 1) })]!;
      assert.equal(nativeFunction('int (int)', callback.address)(1), number + 1);
      live.delete(callback);
      callback.close();
    } else if (live.size < 3000) {
      const number = random.u32() >> 8;
      live.set(
        createCallback('int (int)', (value) => value + number),
        number,
      );
    }
  }
  for (const [callback, number] of live) {
    assert.equal(nativeFunction('int (int)', callback.address)(5), number + 5);
    callback.close();
  }
});

test('a hundred thousand callbacks', () => {
  const callbacks = Array.from({ length: 100_000 }, (_, index) =>
    createCallback('int (int)', (value) => value + index),
  );
  const addresses = new Set(callbacks.map(({ address }) => address));
  assert.equal(addresses.size, callbacks.length);
  for (let index = 0; index < callbacks.length; index += 997) {
    assert.equal(callMany()(callbacks[index]!.address, 2), BigInt(2 * index + 1));
  }
  for (const callback of callbacks) callback.close();
});

describe('a call of a closed callback', () => {
  const script = (options: string) => `
    const { createCallback, nativeFunction } = trampfd;
    const callback = createCallback('int (int)', (value) => value, ${options});
    const use = nativeFunction('int (int)', callback.address);
    function giveUp() { callback.close(); }
    giveUp();
    use(1);
    console.log('still here');
  `;

  test('traps', () => {
    const { signal, stdout, stderr } = runScript(script("{ name: 'lost' }"));
    assert.equal(signal, 'SIGTRAP');
    assert.equal(stdout, '');
    assert.equal(stderr, '');
  });

  test('prints its name and stack traces in debug mode', () => {
    const { signal, stderr } = runScript(script("{ name: 'lost', debug: true }"));
    assert.equal(signal, 'SIGTRAP', stderr);
    assert.match(stderr, /trampfd: a freed trampoline was called: "lost" at 0x[0-9a-f]+\n/);
    assert.match(stderr, /\n {2}created\n {6}at .*\n/);
    assert.match(stderr, /\n {2}freed\n {6}at giveUp .*\n/);
  });

  test('is named in the frame list of gdb', { skip: needs('gdb') }, () => {
    const quiet = ['set debuginfod enabled off', 'handle SIGSEGV nostop noprint pass', 'run', 'bt 1'];
    const under = ['gdb', '-nx', '-q', '-batch', ...quiet.flatMap((command) => ['-ex', command]), '--args'];
    const { stdout, stderr } = runScript(script("{ name: 'lost', debug: true }"), { under });
    assert.match(stdout, /#0 +0x[0-9a-f]+ in lost \(freed\) \(\)/, stderr);
  });
});

test('disassemble shows the target and the registers', () => {
  const callback = createCallback('int (int)', (value) => value);
  const text = disassemble(callback.address);
  const shown = {
    x64: [/endbr64/, /mov r10, /, /mov r11, /, /jmp qword ptr /],
    arm64: [/bti c/, /ldr x9, /, /ldr x10, /, /br x16/],
  };
  for (const part of shown[process.arch as keyof typeof shown]) assert.match(text, part);
  callback.close();
});
