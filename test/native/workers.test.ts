/** The native module in Workers. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { randomFor, rounds } from '../support/random.js';

test('Workers that are terminated at any moment of their first native call', async (t) => {
  const random = randomFor(t);
  const script = `(async () => {
    const { createCallback, nativeFunction, symbolAddress } = await import('trampfd');
    require('node:worker_threads').parentPort.postMessage('loaded');
    nativeFunction('int (int)', symbolAddress('abs'))(-1);
    createCallback('int (int)', (value) => value);
    setInterval(() => {}, 1000);
  })();`;
  for (let round = rounds({ normal: 30, long: 1000 }); round > 0; round--) {
    const worker = new Worker(script, { eval: true });
    const [message] = await once(worker, 'message');
    assert.equal(message, 'loaded');
    // The calls take about 20 ms.
    await sleep(random.integer({ to: 25 }));
    await worker.terminate();
  }
});
