/** An object lives exactly as long as any process has an fd or a mapping of it. */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { compileProgram } from '../support/compile.js';
import { needs } from '../support/needs.js';
import { type SessionOptions, SupervisedSession } from '../support/session.js';

const skip =
  needs('gcc', 'seccomp') || (process.getuid?.() !== 0 && 'only root may read /proc of the supervisor');

function startSession(t: TestContext, source: string, options: SessionOptions, args: string[] = []) {
  const session = new SupervisedSession(
    compileProgram(`supervised-${source}`, [`supervised/${source}.c`]),
    args,
    options,
  );
  t.after(() => session.kill());
  return session;
}

/** Waits until the number of the supervisor's fds is right. */
async function settles(session: SupervisedSession, isRight: (fds: number) => boolean): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (isRight(session.supervisor().fds)) return;
    await setTimeout(100);
  }
  assert.fail(`the supervisor has ${session.supervisor().fds} fds`);
}

/** Waits longer than the supervisor needs to check all objects. */
const waitForCheck = (): Promise<void> => setTimeout(1500);

/** Returns the number of the supervisor's fds once it no longer falls. */
async function settledFds(session: SupervisedSession): Promise<number> {
  for (let before = Number.POSITIVE_INFINITY; ; ) {
    const { fds } = session.supervisor();
    if (fds >= before) return fds;
    before = fds;
    await waitForCheck();
  }
}

describe('the lifetime of objects', { skip }, () => {
  for (const [mode, flags] of [
    ['fast', '0'],
    ['slow', '1'],
  ] as const) {
    test(`a ${mode} object ends with its last fd and mapping`, async (t) => {
      const session = startSession(t, 'lifetime', {}, [flags]);
      const steps = async (...lines: string[]) => {
        for (const line of lines) assert.equal(await session.request(line), 'done');
      };
      // First the fds that the tracer opens once.
      await steps('map', 'call', 'unmap');
      const fds = await settledFds(session);
      await steps('forget');
      await settles(session, (now) => now === fds);

      await steps('map');
      await waitForCheck();
      assert.equal(session.supervisor().fds, fds + 1);
      await steps('call', 'unmap');
      await settles(session, (now) => now === fds);

      await steps('post');
      await waitForCheck();
      assert.equal(session.supervisor().fds, fds + 1, 'in flight in a socket');
      await steps('take');

      await steps('kill');
      await settles(session, (now) => now === fds + 1);
      assert.deepEqual(await session.end(), { status: 0, signal: null, stderr: '' });
    });
  }

  test('processes whose main thread has exited leak nothing', async (t) => {
    const session = startSession(t, 'lifetime', {}, ['1']);
    // First the fds that the tracer opens once.
    assert.equal(await session.request('headless'), 'done');
    await waitForCheck();
    const { fds } = session.supervisor();
    assert.equal(await session.request('headless'), 'done');
    await settles(session, (now) => now <= fds);
    assert.deepEqual(await session.end(), { status: 0, signal: null, stderr: '' });
  });

  test('unused objects are removed when no fds are left', async (t) => {
    const session = startSession(t, 'lifetime', { by: ['prlimit', '--nofile=80:80'] });
    for (let round = 0; round < 10; round++) assert.equal(await session.request('forget'), 'done');
    assert.deepEqual(await session.end(), { status: 0, signal: null, stderr: '' });
  });

  test('10,000 objects under a limit of 1,024 open files leak nothing', async (t) => {
    const by = ['prlimit', '--nofile=1024:'];
    const session = startSession(t, 'many', { by, timeout: 120_000 });
    const kilobytes: number[] = [];
    for (let round = 0; round < 6; round++) {
      assert.equal(await session.request('make'), 'done');
      assert.ok(session.supervisor().fds >= 10_000);
      assert.equal(await session.request('release'), 'done');
      // The threads of the supervisor have some fds, too.
      await settles(session, (fds) => fds < 64);
      kilobytes.push(session.supervisor().kilobytes);
    }
    // The amount of garbage varies, and the heap grows at first; a leak shows in both last rounds.
    const [before, after] = [Math.max(...kilobytes.slice(0, 4)), Math.min(...kilobytes.slice(4))];
    assert.ok(after < before * 1.2, `kilobytes: ${kilobytes.join(', ')}`);
    t.diagnostic(`kilobytes: ${kilobytes.join(', ')}`);
    assert.deepEqual(await session.end(), { status: 0, signal: null, stderr: '' });
  });
});
