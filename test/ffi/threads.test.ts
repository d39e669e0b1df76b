/** Calls of callbacks from other threads, and from Workers. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { createCallback, nativeFunction, struct } from 'trampfd';
import { callFromThreads, inLibrary } from '../support/callbacks.js';
import { runScript } from '../support/child.js';
import koffi from '../support/koffi.js';

describe('from other threads', () => {
  test('eight threads call one callback, and get its results', async () => {
    const calls = callFromThreads().async;
    let count = 0;
    const callback = createCallback('int (int)', (value) => {
      count++;
      return 3 * value;
    });
    assert.equal(await calls(callback.address, 8, 1000), BigInt(8 * 3 * 499_500));
    assert.equal(count, 8000);
    callback.close();
  });

  test('arguments and results: a structure in memory, text, floats', async () => {
    const call = nativeFunction('double (void *)', inLibrary('call_eleven'));
    const large = struct({ numbers: 'double[4]', text: 'const char *' });
    const callback = createCallback(
      {
        result: large,
        args: [
          'int',
          'double',
          'long',
          'float',
          large,
          'uint8_t',
          'double',
          'void *',
          'short',
          'float',
          'int',
        ],
      },
      (...args) => {
        assert.deepEqual(args.slice(5), [250, 7.75, 8n, -9, 10.5, 11]);
        return { numbers: [args[1], 0, 0, args[3]], text: args[4].text };
      },
    );
    assert.equal(await call.async(callback.address), 2.25 + 4.5 + 'f'.charCodeAt(0));
    callback.close();
  });

  test("crossThread: 'queue'", async () => {
    const calls = nativeFunction('void (void *, int, int)', inLibrary('call_from_threads'));
    const received: number[] = [];
    const callback = createCallback('void (int)', (value) => received.push(value), { crossThread: 'queue' });
    await calls.async(callback.address, 4, 100);
    while (received.length < 400) await sleep(1);
    assert.equal(
      received.reduce((sum, value) => sum + value),
      4 * 4950,
    );
    // On the JavaScript thread it runs at once.
    nativeFunction('void (int)', callback.address)(7);
    assert.equal(received.at(-1), 7);
    callback.close();
  });

  test("crossThread: 'queue' copies structures", async () => {
    const give = nativeFunction('void (void *)', inLibrary('give_from_thread'));
    const numbers = struct({ number: 'long[5]' });
    const received: bigint[][] = [];
    const callback = createCallback(
      { result: 'void', args: ['int', numbers] },
      (first, { number }) => received.push([BigInt(first), ...number]),
      { crossThread: 'queue' },
    );
    give(callback.address);
    while (received.length < 100) await sleep(1);
    const expected = Array.from({ length: 100 }, (_, index) =>
      [0, 0, 1, 2, 3, 4].map((add) => BigInt(index + add)),
    );
    assert.deepEqual(received, expected);
    callback.close();
  });

  test('awaitResult: callers get the value of the promise', async () => {
    const calls = callFromThreads().async;
    const callback = createCallback(
      'int (int)',
      async (value) => {
        await sleep(1);
        return value + 1;
      },
      { awaitResult: true },
    );
    assert.equal(await calls(callback.address, 4, 3), 24n);
    callback.close();
    const plain = createCallback('int (int)', (value) => value, { awaitResult: true });
    assert.equal(await calls(plain.address, 2, 3), 6n);
    // The JavaScript thread cannot wait for a promise.
    const eager = createCallback('int (int)', async (value) => value, { awaitResult: true });
    assert.throws(() => nativeFunction('int (int)', eager.address)(1), /not a Promise/);
    plain.close();
    eager.close();
  });

  test('awaitResult: a rejected promise gives the error result', () => {
    const { stdout, stderr } = runScript(`
      import { callFromThreads } from './build/test/support/callbacks.js';
      process.on('uncaughtException', (error) => console.log(error.message));
      const callback = trampfd.createCallback('int (int)', () => Promise.reject(new Error('rejected')), {
        awaitResult: true, errorResult: 9,
      });
      console.log(await callFromThreads().async(callback.address, 1, 2));
    `);
    assert.equal(stderr, '');
    assert.equal(stdout, 'rejected\nrejected\n18n\n');
  });

  test("crossThread: 'reject'", () => {
    const { stdout, stderr } = runScript(`
      import { callFromThreads, callMany } from './build/test/support/callbacks.js';
      process.on('uncaughtException', ({ code, message }) => console.log(code, message));
      const callback = trampfd.createCallback('int (int)', () => 1, { crossThread: 'reject', errorResult: -4, name: 'mine' });
      console.log(await callFromThreads().async(callback.address, 1, 1));
      console.log(callMany()(callback.address, 2));
    `);
    assert.equal(stderr, '');
    const lines = stdout.trimEnd().split('\n').sort();
    assert.deepEqual(lines, [
      '-4n',
      '2n',
      'ERR_TRAMPFD_THREAD Cannot run the callback "mine" (int (int)) for another thread: it was created with crossThread: \'reject\'',
    ]);
  });

  test('a callback that was closed after the call gives the error result', () => {
    const { status, signal, stdout } = runScript(`
      import { inLibrary } from './build/test/support/callbacks.js';
      const { createCallback, nativeFunction } = trampfd;
      const start = nativeFunction('void (void *)', inLibrary('join_in_atexit'));
      const callback = createCallback('int (int)', () => 1, { errorResult: -3 });
      const { address } = callback;
      start(address);
      // The thread has sent its request before this thread returns to its event loop.
      nativeFunction('void (void)', inLibrary('wait_for_request'))();
      callback.close();
      // Another callback gets its slot.
      for (let turn = 0, other; other?.address !== address; turn++) {
        if (turn === 2 ** 13) throw new Error('the slot is not reused');
        other = createCallback('int (int)', () => 2);
      }
      setTimeout(() => {}, 100);
    `);
    assert.equal(stdout, 'thread got -3\n');
    assert.equal(status, 0, String(signal));
  });
});

test('an asynchronous call waits in C for a thread that calls a callback', async () => {
  const callback = createCallback('int (int)', (value) => value);
  assert.equal(await callFromThreads().async(callback.address, 2, 10), 90n);
  callback.close();
});

describe('Workers', () => {
  const support = new URL('../support/callbacks.js', import.meta.url).href;
  const run = async (script: string): Promise<unknown[]> => {
    const code = `(async () => {
      const { createCallback, nativeFunction } = await import('trampfd');
      const { callFromThreads, callMany, inLibrary } = await import(${JSON.stringify(support)});
      const { parentPort } = require('node:worker_threads');
      const post = (value) => parentPort.postMessage(value);
      ${script}
    })();`;
    const worker = new Worker(code, { eval: true });
    const messages: unknown[] = [];
    worker.on('message', (value) => messages.push(value));
    await new Promise<void>((resolve, reject) => worker.on('exit', () => resolve()).on('error', reject));
    return messages;
  };

  test('have callbacks of their own', async () => {
    const script = `
      const callback = createCallback('int (int)', (value) => 2 * value);
      post(callMany()(callback.address, 10));
      post(await callFromThreads().async(callback.address, 4, 10));
    `;
    const results = await Promise.all([run(script), run(script), run(script)]);
    assert.deepEqual(results, [
      [90n, 360n],
      [90n, 360n],
      [90n, 360n],
    ]);
  });

  test('call each other', async () => {
    const callback = createCallback('int (int)', (value) => value + 100);
    const results = await run(`
      const call = nativeFunction('int (int)', ${callback.address}n);
      post(await call.async(1));
      // The Worker's own thread is another thread for the callback, too.
      post(call(2));
    `);
    assert.deepEqual(results, [101, 102]);
    callback.close();
  });

  test('have exited, and their callbacks return the error result', async () => {
    const [address] = await run(`
      const callback = createCallback('int (int)', () => 1, { errorResult: -11 });
      post(callback.address);
    `);
    assert.equal(nativeFunction('int (int)', address as bigint)(1), -11);
    assert.equal(koffi.call(address as bigint, koffi.proto('int (int)'), 1), -11);
    assert.equal(await callFromThreads().async(address as bigint, 2, 5), -110n);
  });
});
