/** Everything that goes wrong: killed programs, a killed supervisor, its own failures, attacks. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { needs } from '../support/needs.js';
import { randomFor, rounds } from '../support/random.js';
import { users } from '../support/restricted.js';
import { needsRoot, people, program, succeed, success } from '../support/slow-programs.js';
import { runPlain, runSupervised, trampfd } from '../support/supervised.js';

const skip = needs('gcc', 'seccomp');
const toy = fileURLToPath(new URL('toy.type.js', import.meta.url));

for (const { name, ids } of people) {
  describe(`trouble, as ${name}`, { skip }, () => {
    test('the supervisor is killed: no thread hangs, and fast trampolines go on', async () => {
      const { signal, stdout } = await runSupervised(program('orphan'), [], { ids });
      assert.deepEqual({ signal, stdout }, { signal: 'SIGKILL', stdout: 'EXIT-SUCCESS\n' });
    });

    for (const how of ['restart', 'interrupt']) {
      test(`a storm of signals that ${how} system calls`, async () => {
        const calls = rounds({ normal: 5000, long: 100_000 });
        await succeed('storm', [`${calls}`, how], { ids, timeout: 300_000 });
      });
    }

    test('objects in unusual hands', async () => {
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

  test('from outside', async () => {
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

/** A thread of the supervisor fails; the program gets an answer, and so does who waits for it. */
describe('failures of the supervisor', { skip }, () => {
  const troubles = {
    'no answerer': { status: 125, says: /the supervisor failed: Error: trouble/ },
    'no tracer': { status: 125, says: /the supervisor failed: Error: trouble/ },
    end: { status: 125, says: /the supervisor failed: Error: the tracer has ended/ },
    plan: { status: 1, says: /a call failed: Error: trouble/ },
    invoke: { status: 128 + 11, says: /an invocation failed: Error: trouble/ },
  };
  for (const [trouble, expected] of Object.entries(troubles)) {
    test(trouble, async () => {
      const options = ['--type', toy];
      const { status, stderr } = await runSupervised(program('toy'), [], {
        options,
        env: { TOY_TROUBLE: trouble },
      });
      assert.equal(status, expected.status, stderr);
      assert.match(stderr, expected.says);
    });
  }
});

const fuse = !existsSync('/dev/fuse') && 'needs /dev/fuse';
test('a file system that never answers', { skip: skip || needsRoot || users[0]!.skip || fuse }, async () => {
  await succeed('silent');
});

test('programs that are killed at any moment leave nothing', { skip: skip || needsRoot }, async (t) => {
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
    const descriptors = () => readdirSync(`/proc/${child.pid}/fd`).length;
    const children = () =>
      readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ').length;
    await kill();
    await quiet(descriptors);
    const before = { descriptors: descriptors(), children: children() };
    await kill();
    await quiet(descriptors, before.descriptors);
    assert.deepEqual({ descriptors: descriptors(), children: children() }, before);
  } finally {
    child.stdin.end();
    await ended;
    clearTimeout(deadline);
  }
});

/** Waits until a number falls no more, or to what is expected. */
async function quiet(count: () => number, expected?: number): Promise<void> {
  for (let last = Number.POSITIVE_INFINITY, same = 0; same < 4; ) {
    const now = count();
    if (expected !== undefined && now <= expected) return;
    same = now === last ? same + 1 : 0;
    last = now;
    await sleep(500);
  }
}
