/** When a thread or the process ends, nothing crashes, and no thread waits for JavaScript forever. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runScript } from '../support/child.js';
import { emulated } from '../support/needs.js';

const support = new URL('../support/callbacks.js', import.meta.url).href;
const under = ['timeout', '--signal=KILL', '60'];

const prelude = `
  import { Worker } from 'node:worker_threads';
  import { callMany, callFromThreads, inLibrary } from '${support}';
  const { createCallback, nativeFunction } = trampfd;
  const use = (name, callback, ...rest) =>
    nativeFunction(rest.length === 0 ? 'void (void *)' : 'void (void *, int)', inLibrary(name))(callback.address, ...rest);
  const errorResult = -2;
`;

function run(script: string): { status: number | null; stdout: string; stderr: string } {
  const { status, signal, stdout, stderr } = runScript(prelude + script, { under });
  assert.equal(signal, null, stderr);
  return { status, stdout, stderr };
}

describe('the process', () => {
  test('exits inside a callback', () => {
    const { status, stdout } = run(`
      const callback = createCallback('int (int)', (value) => (value === 3 ? process.exit(7) : 1), { errorResult });
      use('call_in_atexit', callback);
      callMany()(callback.address, 10);
      console.log('not reached');
    `);
    assert.equal(stdout, 'atexit got -2\n');
    assert.equal(status, 7);
  });

  test('ends by itself, and an atexit handler calls a callback', () => {
    const { status, stdout } = run(`
      const callback = createCallback('int (int)', () => 1, { errorResult });
      use('call_in_atexit', callback);
    `);
    assert.equal(stdout, 'atexit got -2\n');
    assert.equal(status, 0);
  });

  for (const [how, end] of [
    ['by itself', ''],
    ['by process.exit', 'setTimeout(() => process.exit(0), 50)'],
    ['after an uncaught error', "setTimeout(() => { throw new Error('over'); }, 50)"],
  ] as const) {
    test(`ends ${how} while threads call callbacks`, () => {
      const { status } = run(`
        const callback = createCallback('int (int)', () => 1);
        use('keep_calling', callback, 4);
        setTimeout(() => {}, 50);
        ${end}
      `);
      assert.equal(status, how === 'after an uncaught error' ? 1 : 0);
    });

    test(`ends ${how} while a thread waits for a promise, and an atexit handler for the thread`, () => {
      const { stdout } = run(`
        const callback = createCallback('int (int)', () => new Promise(() => {}), { awaitResult: true, errorResult });
        use('join_in_atexit', callback);
        setTimeout(() => {}, 50);
        ${end}
      `);
      assert.equal(stdout, 'thread got -2\n');
    });
  }

  test('exits before a request was received', () => {
    const { stdout } = run(`
      const callback = createCallback('int (int)', () => 1, { errorResult });
      use('join_in_atexit', callback);
      nativeFunction('void (void)', inLibrary('wait_for_request'))();
      process.exit(0);
    `);
    assert.equal(stdout, 'thread got -2\n');
  });

  test('exit listeners may still make calls and be called', () => {
    const { stdout } = run(`
      const callback = createCallback('int (int)', (value) => value + 1);
      process.on('exit', () => console.log(callMany()(callback.address, 3)));
      process.exit(0);
    `);
    assert.equal(stdout, '6n\n');
  });

  test('exit listeners may wait for threads that wait for callbacks', () => {
    const { stdout } = run(`
      const [thread, result] = [new BigUint64Array(1), new BigUint64Array(1)];
      // Registered before any code of the package has run.
      process.on('exit', () => {
        join(thread[0], result);
        console.log(result[0]);
      });
      const create = nativeFunction('int (void *, void *, void *, void *)', symbolAddress('pthread_create'));
      const join = nativeFunction('int (pthread_t, void *)', symbolAddress('pthread_join'));
      const callback = createCallback('void *(void *)', () => new Promise(() => {}), { awaitResult: true, errorResult: 5n });
      create(thread, null, callback.address, null);
    `);
    assert.equal(stdout, '5n\n');
  });

  test('stays alive for a callback after ref(), and for no other', () => {
    const script = (suffix: string, when: string) => `
      const callback = createCallback('int (int)', (value) => {
        console.log('called');
        callback.close();
        return value;
      })${suffix};
      use('${when}', callback);
    `;
    assert.equal(run(script('.ref()', 'call_later')).stdout, 'called\nthread got 1\n');
    // These would wait forever for a call that is only made at exit.
    for (const suffix of ['', '.ref().unref()'])
      assert.equal(run(script(suffix, 'call_at_end')).stdout, 'thread got 0\n');
  });

  test('a callback calls ref() while a thread waits for its result', () => {
    const { stdout } = run(`
      const callback = createCallback('int (int)', (value) => {
        callback.ref();
        return value;
      });
      console.log(await callFromThreads().async(callback.address, 1, 3));
      callback.close();
    `);
    assert.equal(stdout, '3n\n');
  });

  test('emits exit early, and a promise is settled after its thread has given up', () => {
    const { status, stdout } = run(`
      const callback = createCallback('int (int)', () => new Promise((resolve) => {
        setTimeout(resolve, 100, 1);
        setTimeout(() => process.emit('exit'), 20);
      }), { awaitResult: true, errorResult }).ref();
      use('join_in_atexit', callback);
      setTimeout(() => callback.close(), 150);
    `);
    assert.equal(stdout, 'thread got -2\n');
    assert.equal(status, 0);
  });
});

/** Returns code that starts a Worker with a script. */
const start = (script: string) => `
    const worker = new Worker(\`(async () => {
      const { createCallback, nativeFunction } = await import('trampfd');
      const { callMany, callFromThreads, inLibrary } = await import('${support}');
      const { parentPort } = require('node:worker_threads');
      const post = () => parentPort.postMessage(0);
      const use = (name, callback, ...rest) =>
        nativeFunction(rest.length === 0 ? 'void (void *)' : 'void (void *, int)', inLibrary(name))(callback.address, ...rest);
      const errorResult = -2;
      ${script}
    })();\`, { eval: true, execArgv: [] });
    worker.on('error', (error) => console.log(error));
`;

test('a Worker exits inside a callback that a thread waits for', () => {
  const { status, stdout } = run(`
    ${start(`
      // Time for the thread to exit before the callback returns.
      process.on('exit', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100));
      const callback = createCallback('int (int)', () => process.exit(3), { errorResult }).ref();
      use('join_in_atexit', callback);
    `)}
    worker.on('exit', (code) => console.log('ended with', code));
  `);
  assert.equal(stdout, 'thread got -2\nended with 3\n');
  assert.equal(status, 0);
});

describe('a Worker is terminated', () => {
  /** Returns code that terminates the Worker when it has posted a message. */
  const terminate = (script: string) => `
    ${start(script)}
    await new Promise((resolve) => worker.once('message', resolve));
    console.log('ended with', await worker.terminate());
    // This thread still works.
    const callback = createCallback('int (int)', (value) => value);
    console.log(callMany()(callback.address, 10));
  `;
  const whole = 'ended with 1\n45n\n';

  test('inside a callback', () => {
    const { stdout } = run(
      terminate(`
        const callback = createCallback('int (int)', (value) => {
          if (value !== 3) return 1;
          post();
          for (;;);
        });
        callMany()(callback.address, 10);
      `),
    );
    assert.equal(stdout, whole);
  });

  test('inside a nested callback', () => {
    const { stdout } = run(
      terminate(`
        const inner = createCallback('int (int)', () => { post(); for (;;); });
        const outer = createCallback('int (int)', () => Number(callMany()(inner.address, 2)));
        callMany()(outer.address, 2);
      `),
    );
    assert.equal(stdout, whole);
  });

  test('inside native code', () => {
    const { stdout } = run(
      terminate(`
        const callback = createCallback('int (int)', (value) => { if (value === 0) post(); return 1; });
        callMany()(callback.address, ${emulated ? 100_000 : 10_000_000});
      `),
    );
    assert.equal(stdout, whole);
  });

  test('while threads call its callbacks', () => {
    const { stdout } = run(
      terminate(`
        const callback = createCallback('int (int)', () => 1).ref();
        use('keep_calling', callback, 4);
        setTimeout(post, 50);
      `),
    );
    assert.equal(stdout, whole);
  });

  test('while a thread waits for a promise', () => {
    const { stdout } = run(
      terminate(`
        const callback = createCallback('int (int)', () => { post(); return new Promise(() => {}); }, {
          awaitResult: true, errorResult,
        }).ref();
        use('join_in_atexit', callback);
      `),
    );
    assert.deepEqual(stdout.split('\n').sort(), `thread got -2\n${whole}`.split('\n').sort());
  });

  test('during an asynchronous call that calls back', () => {
    const { stdout } = run(
      terminate(`
        const callback = createCallback('int (int)', (value) => { if (value === 5) post(); return 1; });
        callFromThreads().async(callback.address, 2, 100_000);
      `),
    );
    assert.equal(stdout, whole);
  });
});
