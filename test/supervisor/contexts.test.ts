/** Compares the whole CPU state after invocations of supervised objects with the rules. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { needs } from '../support/needs.js';
import { randomFor, rounds } from '../support/random.js';
import { runSupervised } from '../support/supervised.js';

const script = fileURLToPath(new URL('contexts.child.js', import.meta.url));
const skip = needs('gcc', 'seccomp');

for (const mode of ['fast', 'slow']) {
  test(`${mode} objects load, write and jump as their contexts specify`, { skip }, async (t) => {
    const count = rounds({ normal: 300, long: 20_000 });
    const args = [script, mode, `${count}`, `${randomFor(t).u32()}`];
    const { status, stdout, stderr } = await runSupervised(process.execPath, args, { timeout: 300_000 });
    assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: 'EXIT-SUCCESS\n', stderr: '' });
  });
}
