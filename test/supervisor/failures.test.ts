/** Failures: killed programs, a killed supervisor, internal errors of the supervisor, attacks. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { needs } from '../support/needs.js';
import { randomFor, rounds } from '../support/random.js';
import { users } from '../support/restricted.js';
import { needsRoot, people, program, succeed, success } from '../support/slow-programs.js';
import { runPlain, runSupervised, runWithSampleType, trampfd } from '../support/supervised.js';

const skip = needs('gcc', 'seccomp');

for (const { name, ids } of people) {
  describe(`failures, as ${name}`, { skip }, () => {
    test('the supervisor is killed: no thread hangs, and fast trampolines still work', async () => {
      const { signal, stdout } = await runSupervised(program('orphan'), [], { ids });
      assert.deepEqual({ signal, stdout }, { signal: 'SIGKILL', stdout: 'EXIT-SUCCESS\n' });
    });

    for (const effect of ['restart', 'interrupt']) {
      test(`many signals that ${effect} system calls`, async () => {
        const calls = rounds({ normal: 5000, long: 100_000 });
        await succeed('storm', [`${calls}`, effect], { ids, timeout: 300_000 });
      });
    }

    test('unusual uses of an fd', async () => {
      await succeed('handles', [], { ids });
    });
  });
}

const { ids: ordinary } = people.at(-1)!;

describe('attacks by the same user', {
  skip: skip || (process.getuid?.() === 0 && ordinary.uid === undefined),
}, () => {
  test('from a supervised program', async () => {
    await succeed('attack', [], { ids: ordinary });
  });

  test('from an unsupervised program', async () => {
    const victim = spawn(trampfd, ['run', '--', program('echo')], {
      ...ordinary,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = once(victim, 'exit');
    try {
      victim.stdin.write('?');
      await once(victim.stdout, 'data');
      success(await runPlain(program('attack'), [`${victim.pid}`], { ids: ordinary }));
    } finally {
      victim.stdin.end();
    }
    assert.deepEqual(await ended, [7, null]);
  });
});

/** A thread of the supervisor fails: neither the program nor the process that waits for it hangs. */
describe('internal errors of the supervisor', { skip }, () => {
  const failures = {
    'no syscall thread': { status: 125, message: /the supervisor failed: Error: sample failure/ },
    'no tracer': { status: 125, message: /the supervisor failed: Error: sample failure/ },
    'tracer exits': { status: 125, message: /the supervisor failed: Error: the tracer exited/ },
    layout: { status: 1, message: /internal error in a system call: Error: sample failure/ },
    invoke: { status: 128 + 11, message: /internal error in an invocation: Error: sample failure/ },
  };
  for (const [failure, expected] of Object.entries(failures)) {
    test(failure, async () => {
      const env = { SAMPLE_TYPE_FAILURE: failure };
      const { status, stderr } = await runWithSampleType(program('sample-type'), { env });
      assert.equal(status, expected.status, stderr);
      assert.match(stderr, expected.message);
    });
  }
});

const fuse = !existsSync('/dev/fuse') && 'needs /dev/fuse';
test('a file system that never replies', { skip: skip || needsRoot || users[0]!.skip || fuse }, async () => {
  await succeed('silent');
});

test('a program that is killed at any time leaves no fds and no processes', {
  skip: skip || needsRoot,
}, async (t) => {
  const random = randomFor(t);
  const count = rounds({ normal: 40, long: 300 });
  const child = spawn(trampfd, ['run', '--', program('killed')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const deadline = setTimeout(() => child.kill('SIGKILL'), 240_000);
  try {
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const kill = async () => {
      child.stdin.write(`${count} ${random.u32()}\n`);
      assert.equal((await lines.next()).value, 'done');
    };
    const fds = () => readdirSync(`/proc/${child.pid}/fd`).length;
    const children = () =>
      readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ').length;
    await kill();
    await settles(fds);
    const before = { fds: fds(), children: children() };
    await kill();
    await settles(fds, before.fds);
    assert.deepEqual({ fds: fds(), children: children() }, before);
  } finally {
    child.stdin.end();
    await ended;
    clearTimeout(deadline);
  }
});

/** Waits until a number no longer changes, or is at most the expected one. */
async function settles(count: () => number, expected?: number): Promise<void> {
  for (let last = Number.POSITIVE_INFINITY, same = 0; same < 4; ) {
    const now = count();
    if (expected !== undefined && now <= expected) return;
    same = now === last ? same + 1 : 0;
    last = now;
    await sleep(500);
  }
}
