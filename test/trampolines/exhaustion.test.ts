/** When a resource is exhausted, creating trampolines fails with a reason and leaks nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runChild } from '../support/child.js';
import { maxMapCount } from '../support/limits.js';
import { needs } from '../support/needs.js';

const alone = needs('address space of the program alone');
const skips: Readonly<Record<string, string | false>> = {
  mappings:
    alone ||
    needs('gcc') ||
    (maxMapCount > 300_000 && `vm.max_map_count is ${maxMapCount}, too many to fill`),
  memory: alone,
  descriptors: alone,
};

/** V8 aborts if it gets no memory, so it must need none: for garbage, compiled code, lazy functions, threads. */
const nodeOptions = [
  ...['--single-threaded', '--jitless', '--no-lazy', '--expose-gc', '--no-compact'],
  ...['--min-semi-space-size=64', '--max-semi-space-size=64'],
];

/** Sometimes it needs some nevertheless; such a run proves nothing. */
function isEndOfV8({ signal, stderr }: ReturnType<typeof runChild>): boolean {
  return signal === 'SIGABRT' && /(JavaScript heap|process) out of memory/.test(stderr);
}

for (const [obstacle, skip] of Object.entries(skips)) {
  test(`no ${obstacle} left`, { skip }, (t) => {
    let result = runChild('trampolines/exhaustion', [obstacle], nodeOptions);
    for (let turn = 0; turn < 4 && isEndOfV8(result); turn++) {
      t.diagnostic('V8 got no memory for itself; once more');
      result = runChild('trampolines/exhaustion', [obstacle], nodeOptions);
    }
    const { status, signal, stdout, stderr } = result;
    assert.equal(status, 0, `${signal}\n${stderr}`);
    t.diagnostic(`refusals: ${stdout.trim()}`);
  });
}
