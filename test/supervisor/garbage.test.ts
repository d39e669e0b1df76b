/** Random values in every argument of every call: results follow the rules, and nothing leaks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileProgram } from '../support/compile.js';
import { needs } from '../support/needs.js';
import { randomFor, rounds } from '../support/random.js';
import { SupervisedSession } from '../support/session.js';

/** Calls that the program makes for each line of input. */
const step = 25_000;

test('random arguments', { skip: needs('gcc', 'seccomp') }, async (t) => {
  const calls = rounds({ normal: 100_000, long: 1_000_000 });
  const args = [`${calls}`, `${randomFor(t).u32()}`];
  const session = new SupervisedSession(
    compileProgram('supervised-garbage', ['supervised/garbage.c']),
    args,
    { timeout: 600_000 },
  );
  t.after(() => session.kill());
  const kilobytes: number[] = [];
  for (let left = calls; left > 0; left -= step) {
    assert.equal(left === calls ? await session.readLine() : await session.request(''), 'more');
    if (process.getuid?.() === 0) kilobytes.push(session.supervisor().kilobytes);
  }
  assert.equal(await session.request(''), 'EXIT-SUCCESS');
  // Nothing on standard error, in particular no stack trace.
  assert.deepEqual(await session.end(), { status: 0, signal: null, stderr: '' });
  t.diagnostic(`the supervisor's kilobytes: ${kilobytes.join(', ')}`);
  if (kilobytes.length === 0) return;
  // V8's young generation grows to 50 MB step by step, so the second half of the run counts.
  assert.ok(kilobytes.at(-1)! < kilobytes[kilobytes.length >> 1]! * 1.3, 'the supervisor grows');
});
