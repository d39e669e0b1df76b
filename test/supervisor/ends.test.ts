/** The end of the supervisor: with the program, which leaves others behind, or in the middle. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { needs } from '../support/needs.js';
import { supervisedProgram } from '../support/programs.js';
import { users } from '../support/restricted.js';
import { runSupervised } from '../support/supervised.js';

const launcher = /launch-\w+$/;

/** Processes of a supervisor's that do nothing but wait. They are of its process group. */
function sleepers(group: number): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      if (!launcher.test(readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ''))) return false;
      // Behind the name, which may have spaces: state, parent, group.
      const [, , found] = readFileSync(`/proc/${pid}/stat`, 'latin1')
        .replace(/^.*\) /s, '')
        .split(' ');
      return Number(found) === group;
    } catch {
      return false;
    }
  });
}

for (const { name, ids } of users) {
  describe(`as ${name}`, { skip: needs('gcc', 'seccomp') }, () => {
    test('who survives the program gets ENOSYS, and keeps fast trampolines', async () => {
      const ended = await runSupervised(supervisedProgram('survivor'), [], { ids });
      const stdout = 'daemon: ENOSYS, and 42\n';
      assert.deepEqual(ended, { status: 5, signal: null, stdout, stderr: '' });
    });

    test('a supervisor that is killed leaves nobody waiting, and nothing behind', {
      timeout: 60_000,
    }, async () => {
      let supervisor = 0;
      const started = (pid: number): void => {
        supervisor = pid;
      };
      const ended = await runSupervised(supervisedProgram('survivor'), ['kill'], { ids, started });
      const stdout = 'daemon: ENOSYS, and 42\nprogram: ENOSYS, and 42\n';
      assert.deepEqual(ended, { status: null, signal: 'SIGKILL', stdout, stderr: '' });
      while (sleepers(supervisor).length > 0) await setTimeout(20);
    });
  });
}
