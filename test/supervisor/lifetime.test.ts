/** An object lives as long as any process holds or maps it, and no longer. Only root may look at the supervisor. */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { compileProgram } from '../support/compile.js';
import { Conversation, type ConversationOptions } from '../support/conversation.js';
import { needs } from '../support/needs.js';

const skip = needs('gcc', 'seccomp') || (process.getuid?.() !== 0 && 'only root may look at the supervisor');

function converse(t: TestContext, source: string, options: ConversationOptions, args: string[] = []) {
  const conversation = new Conversation(
    compileProgram(`supervised-${source}`, [`supervised/${source}.c`]),
    args,
    options,
  );
  t.after(() => conversation.kill());
  return conversation;
}

/** Waits until the number of the supervisor's descriptors is right. */
async function settles(conversation: Conversation, isRight: (descriptors: number) => boolean): Promise<void> {
  for (let patience = 0; patience < 100; patience++) {
    if (isRight(conversation.supervisor().descriptors)) return;
    await setTimeout(100);
  }
  assert.fail(`the supervisor keeps ${conversation.supervisor().descriptors} descriptors`);
}

/** Longer than it takes to look at all objects. */
const aWhile = (): Promise<void> => setTimeout(1500);

/** The number of the supervisor's descriptors, when it falls no more. */
async function atRest(conversation: Conversation): Promise<number> {
  for (let before = Number.POSITIVE_INFINITY; ; ) {
    const { descriptors } = conversation.supervisor();
    if (descriptors >= before) return descriptors;
    before = descriptors;
    await aWhile();
  }
}

describe('the life of objects', { skip }, () => {
  for (const [mode, flags] of [
    ['fast', '0'],
    ['slow', '1'],
  ] as const) {
    test(`a ${mode} object ends with its last descriptor and mapping`, async (t) => {
      const conversation = converse(t, 'lifetime', {}, [flags]);
      const steps = async (...lines: string[]) => {
        for (const line of lines) assert.equal(await conversation.ask(line), 'done');
      };
      // What is opened once: the tracer's.
      await steps('map', 'call', 'unmap');
      const descriptors = await atRest(conversation);
      await steps('forget');
      await settles(conversation, (now) => now === descriptors);

      await steps('map');
      await aWhile();
      assert.equal(conversation.supervisor().descriptors, descriptors + 1);
      await steps('call', 'unmap');
      await settles(conversation, (now) => now === descriptors);

      await steps('post');
      await aWhile();
      assert.equal(conversation.supervisor().descriptors, descriptors + 1, 'on the way to somebody');
      await steps('take');

      await steps('kill');
      await settles(conversation, (now) => now === descriptors + 1);
      assert.deepEqual(await conversation.end(), { status: 0, signal: null, stderr: '' });
    });
  }

  test('processes whose first thread has ended leave nothing behind', async (t) => {
    const conversation = converse(t, 'lifetime', {}, ['1']);
    // What is opened once: the tracer's.
    assert.equal(await conversation.ask('headless'), 'done');
    await aWhile();
    const { descriptors } = conversation.supervisor();
    assert.equal(await conversation.ask('headless'), 'done');
    await settles(conversation, (now) => now <= descriptors);
    assert.deepEqual(await conversation.end(), { status: 0, signal: null, stderr: '' });
  });

  test('what is gone makes room when descriptors are used up', async (t) => {
    const conversation = converse(t, 'lifetime', { by: ['prlimit', '--nofile=80:80'] });
    for (let round = 0; round < 10; round++) assert.equal(await conversation.ask('forget'), 'done');
    assert.deepEqual(await conversation.end(), { status: 0, signal: null, stderr: '' });
  });

  test('10,000 objects under a limit of 1,024 open files leave nothing behind', async (t) => {
    const by = ['prlimit', '--nofile=1024:'];
    const conversation = converse(t, 'many', { by, timeout: 120_000 });
    const kilobytes: number[] = [];
    for (let round = 0; round < 4; round++) {
      assert.equal(await conversation.ask('make'), 'done');
      assert.ok(conversation.supervisor().descriptors >= 10_000);
      assert.equal(await conversation.ask('release'), 'done');
      // The threads of the supervisor have some, too.
      await settles(conversation, (descriptors) => descriptors < 64);
      kilobytes.push(conversation.supervisor().kilobytes);
    }
    // Garbage comes and goes; what leaked would be there in both of the later rounds.
    const [before, after] = [Math.max(...kilobytes.slice(0, 2)), Math.min(...kilobytes.slice(2))];
    assert.ok(after < before * 1.2, `kilobytes: ${kilobytes.join(', ')}`);
    t.diagnostic(`kilobytes: ${kilobytes.join(', ')}`);
    assert.deepEqual(await conversation.end(), { status: 0, signal: null, stderr: '' });
  });
});
