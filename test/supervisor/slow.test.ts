/** Slow objects: who is traced and from when; invocations by many, on any stack, and what stops them. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { needs } from '../support/needs.js';
import { rounds } from '../support/random.js';
import { needsRoot, people, program, succeed, success } from '../support/slow-programs.js';
import { runPlain, runSupervised, trampfd } from '../support/supervised.js';

const skip = needs('gcc', 'seccomp');
const long = rounds({ normal: 1, long: 20 });
const toy = fileURLToPath(new URL('toy.type.js', import.meta.url));

for (const { name, ids } of people) {
  describe(`slow objects, as ${name}`, { skip }, () => {
    test('only processes with slow objects are traced, and those until they execute', async () => {
      await succeed('attach', [], { ids });
    });

    test('threads come and go while the supervisor attaches, and the first has ended', async () => {
      for (let round = 0; round < 3 * long; round++) await succeed('attach-race', [], { ids });
    });

    test('64 threads and new processes invoke at once; floating point arguments survive', async () => {
      await succeed('threads', [`${10 * long}`], { ids });
    });

    test('stack data on a stack that has yet to grow', async () => {
      await succeed('deep', [], { ids });
    });

    test('a process that somebody else traces is refused', async () => {
      await succeed('debugged', [], { ids });
    });

    test('signals for the whole process group', async () => {
      await succeed('group', [program('attach')], { ids });
    });

    test('a job that is stopped and continued', async () => {
      success(await runPlain(program('job'), [trampfd, 'run', '--', program('echo')], { ids }));
    });

    test('a type in one file', async () => {
      await succeed('toy', [], { ids, options: ['--type', toy] });
    });
  });
}

test('numbers of processes are used again', { skip: skip || needsRoot }, async () => {
  success(await runPlain('unshare', ['-pf', '--mount-proc', trampfd, 'run', '--', program('reuse')]));
});

test('SIGSEGV that is blocked or ignored loses that by a slow invocation', { skip }, async () => {
  const outcomes = [];
  for (const how of ['handled', 'blocked', 'ignored']) {
    const { status, stdout } = await runSupervised(program('masked'), [how]);
    outcomes.push(`${how}: ${stdout.split('\n')[0]}, ${status}`);
  }
  assert.deepEqual(outcomes, [
    'handled: kept, not blocked, 33',
    'blocked: default, not blocked, 139',
    'ignored: default, not blocked, 139',
  ]);
});

describe('what is no invocation is the fault that it is', { skip }, () => {
  const ways = {
    'in the middle of an instance': ['middle', undefined],
    'past the last instance': ['past', undefined],
    'a write': ['data', undefined],
    'what is unmapped': ['unmapped', undefined],
    'without registers': ['no registers', /^it has no registers$/],
    'a PC that is not allowed': ['pc', /^0x[0-9a-f]+ is not among the allowed PCs$/],
    'a caller that is not allowed': ['caller', /^the caller 0x[0-9a-f]+ is not allowed$/],
    'on a stack that is not there': ['stack', /^0xff8: EFAULT$/],
  } as const;
  for (const [name, [way, reason]] of Object.entries(ways)) {
    test(name, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'trampfd-slow-'));
      try {
        const log = join(folder, 'audit');
        const { status, stdout } = await runSupervised(program('dies'), [way], { options: ['--audit', log] });
        assert.deepEqual([status, stdout], [128 + 11, 'signal 11, exit 0, core 0\nEXIT-SUCCESS\n']);
        const reasons = readFileSync(log, 'utf8').trim().split('\n').filter(Boolean);
        // In a child, and then in the program itself.
        assert.equal(reasons.length, reason === undefined ? 0 : 2);
        for (const line of reasons) assert.match((JSON.parse(line) as { reason: string }).reason, reason!);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }
});
