/** Several threads, and several copies of the package, in one process. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runScript } from '../support/child.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));

test('a Worker creates trampolines that outlive it, without warnings', () => {
  const { status, stdout, stderr } = runScript(`
    import { Worker } from 'node:worker_threads';
    const worker = new Worker(\`
      import('trampfd').then(({ createTrampoline, createTrampolineTable, symbolAddress }) => {
        const pc = symbolAddress('getpid');
        createTrampolineTable({ registers: [], isolated: true }).add({ pc });
        const { address } = createTrampoline({ registers: { pc } });
        require('node:worker_threads').parentPort.postMessage(address);
      });
    \`, { eval: true, execArgv: [] });
    // Listens to both from the start: the last message and the exit can arrive in one turn of the event loop.
    const [address] = await Promise.all(
      ['message', 'exit'].map((event) => new Promise((resolve) => worker.once(event, resolve))),
    );
    koffi.load(null);
    console.log(call(address) === process.pid);
  `);
  assert.equal(stderr, '');
  assert.equal(stdout, 'true\n');
  assert.equal(status, 0);
});

test('two copies of the package', () => {
  // Inside the repository, so that both find the same koffi.
  const copy = mkdtempSync(join(root, 'build/copy-'));
  cpSync(join(root, 'dist'), join(copy, 'dist'), { recursive: true });
  cpSync(join(root, 'package.json'), join(copy, 'package.json'));
  const { status, stderr } = runScript(`
    const other = await import(${JSON.stringify(join(copy, 'dist/bundle/index.js'))});
    for (const { createTrampoline } of [trampfd, other, trampfd]) {
      const made = createTrampoline({ registers: { pc: symbolAddress('getpid') }, debug: true, name: 'x' });
      if (call(made.address) !== process.pid) throw new Error('wrong result');
      made.close();
    }
  `);
  rmSync(copy, { recursive: true });
  assert.equal(status, 0, stderr);
});
