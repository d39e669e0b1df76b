/** Garbage in every argument of every call: the answer is what the rules give, and nothing is left behind. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileProgram } from '../support/compile.js';
import { Conversation } from '../support/conversation.js';
import { needs } from '../support/needs.js';
import { randomFor, rounds } from '../support/random.js';

/** As far as the program goes for one line. */
const step = 25_000;

test('a program that asks for nonsense', { skip: needs('gcc', 'seccomp') }, async (t) => {
  const calls = rounds({ normal: 100_000, long: 1_000_000 });
  const args = [`${calls}`, `${randomFor(t).u32()}`];
  const conversation = new Conversation(
    compileProgram('supervised-garbage', ['supervised/garbage.c']),
    args,
    { timeout: 600_000 },
  );
  t.after(() => conversation.kill());
  const kilobytes: number[] = [];
  for (let left = calls; left > 0; left -= step) {
    assert.equal(left === calls ? await conversation.hear() : await conversation.ask(''), 'more');
    if (process.getuid?.() === 0) kilobytes.push(conversation.supervisor().kilobytes);
  }
  assert.equal(await conversation.ask(''), 'EXIT-SUCCESS');
  // No stack trace, and no word at all.
  assert.deepEqual(await conversation.end(), { status: 0, signal: null, stderr: '' });
  t.diagnostic(`the supervisor's kilobytes: ${kilobytes.join(', ')}`);
  if (kilobytes.length === 0) return;
  // V8 gives what dies young 50 MB, step by step: what counts is whether it goes on.
  assert.ok(kilobytes.at(-1)! < kilobytes[kilobytes.length >> 1]! * 1.3, 'the supervisor grows');
});
