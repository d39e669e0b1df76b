/** Slow objects: which processes are traced, concurrent invocations, stacks, and refused invocations. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { needs } from '../support/needs.js';
import { rounds } from '../support/random.js';
import { needsRoot, people, program, succeed, success } from '../support/slow-programs.js';
import { runPlain, runSupervised, runWithSampleType, trampfd } from '../support/supervised.js';

const skip = needs('gcc', 'seccomp');
const long = rounds({ normal: 1, long: 20 });

for (const { name, ids } of people) {
  describe(`slow objects, as ${name}`, { skip }, () => {
    test('only processes with slow objects are traced, and only until execve', async () => {
      await succeed('attach', [], { ids });
    });

    test('threads start and exit while the supervisor attaches, and the main thread has exited', async () => {
      for (let round = 0; round < 3 * long; round++) await succeed('attach-race', [], { ids });
    });

    test('64 threads and new processes invoke at once; floating-point arguments are preserved', async () => {
      await succeed('threads', [`${10 * long}`], { ids });
    });

    test('stack data below the current end of the stack', async () => {
      await succeed('deep', [], { ids });
    });

    test('a process with another tracer is refused', async () => {
      await succeed('debugged', [], { ids });
    });

    test('signals to the whole process group', async () => {
      await succeed('group', [program('attach')], { ids });
    });

    test('a job that is stopped and continued', async () => {
      success(await runPlain(program('job'), [trampfd, 'run', '--', program('echo')], { ids }));
    });

    test('an object type in one file', async () => {
      success(await runWithSampleType(program('sample-type'), { ids }));
    });
  });
}

test('process IDs are reused', { skip: skip || needsRoot }, async () => {
  success(await runPlain('unshare', ['-pf', '--mount-proc', trampfd, 'run', '--', program('reuse')]));
});

test('a slow invocation resets SIGSEGV if it is blocked or ignored', { skip }, async () => {
  const outcomes = [];
  for (const state of ['handled', 'blocked', 'ignored']) {
    const { status, stdout } = await runSupervised(program('masked'), [state]);
    outcomes.push(`${state}: ${stdout.split('\n')[0]}, ${status}`);
  }
  assert.deepEqual(outcomes, [
    'handled: kept, not blocked, 33',
    'blocked: default, not blocked, 139',
    'ignored: default, not blocked, 139',
  ]);
});

describe('a fault that is not an allowed invocation reaches the program', { skip }, () => {
  const faults = {
    'in the middle of an instance': ['middle', undefined],
    'past the last instance': ['past', undefined],
    'a write': ['data', undefined],
    'an unmapped address': ['unmapped', undefined],
    'without registers': ['no registers', /^the instance has no registers$/],
    'a PC that is not allowed': ['pc', /^0x[0-9a-f]+ is not an allowed PC$/],
    'a caller that is not allowed': ['caller', /^the caller 0x[0-9a-f]+ is not allowed$/],
    'an invalid stack pointer': ['stack', /^0xff8: EFAULT$/],
  } as const;
  for (const [name, [fault, reason]] of Object.entries(faults)) {
    test(name, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'trampfd-slow-'));
      try {
        const log = join(folder, 'audit');
        const { status, stdout } = await runSupervised(program('dies'), [fault], {
          options: ['--audit', log],
        });
        assert.deepEqual([status, stdout], [128 + 11, 'signal 11, exit 0, core 0\nEXIT-SUCCESS\n']);
        const reasons = readFileSync(log, 'utf8').trim().split('\n').filter(Boolean);
        // The program faults in a child and then itself.
        assert.equal(reasons.length, reason === undefined ? 0 : 2);
        for (const line of reasons) assert.match((JSON.parse(line) as { reason: string }).reason, reason!);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }
});
