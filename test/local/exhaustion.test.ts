/** When the process has all it may have, making trampolines is refused with a reason and leaves nothing behind. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runChild } from '../support/child.js';
import { maxMapCount } from '../support/limits.js';
import { needs } from '../support/needs.js';

const skips: Readonly<Record<string, string | false>> = {
  mappings: needs('gcc') || (maxMapCount > 300_000 && `vm.max_map_count is ${maxMapCount}, too many to fill`),
  memory: false,
  descriptors: false,
};

/** V8 ends the process when it gets no memory: it shall need none meanwhile, neither for garbage nor for code nor for threads. */
const nodeOptions = ['--single-threaded', '--jitless', '--expose-gc', '--min-semi-space-size=16'];

for (const [obstacle, skip] of Object.entries(skips)) {
  test(`no ${obstacle} left`, { skip }, (t) => {
    const { status, signal, stdout, stderr } = runChild('local/exhaustion', [obstacle], nodeOptions);
    assert.equal(status, 0, `${signal}\n${stderr}`);
    t.diagnostic(`refusals: ${stdout.trim()}`);
  });
}
