/** The supervisor ends: with a program that leaves processes running, or because it is killed. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { needs } from '../support/needs.js';
import { supervisedProgram } from '../support/programs.js';
import { users } from '../support/restricted.js';
import { runSupervised } from '../support/supervised.js';

const launcher = /launch-\w+$/;

/** Returns the idle processes of a supervisor, which are in its process group. */
function idleProcesses(group: number): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      if (!launcher.test(readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ''))) return false;
      // After the name, which may have spaces: state, parent, process group.
      const [, , processGroup] = readFileSync(`/proc/${pid}/stat`, 'latin1')
        .replace(/^.*\) /s, '')
        .split(' ');
      return Number(processGroup) === group;
    } catch {
      return false;
    }
  });
}

for (const { name, ids } of users) {
  describe(`as ${name}`, { skip: needs('gcc', 'seccomp') }, () => {
    test('a process that outlives the program gets ENOSYS, and its fast trampolines still work', async () => {
      const outcome = await runSupervised(supervisedProgram('survivor'), [], { ids });
      const stdout = 'daemon: ENOSYS, and 42\n';
      assert.deepEqual(outcome, { status: 5, signal: null, stdout, stderr: '' });
    });

    test('after the supervisor is killed, no process waits for it and no idle process remains', {
      timeout: 60_000,
    }, async () => {
      let supervisor = 0;
      const started = (pid: number): void => {
        supervisor = pid;
      };
      const outcome = await runSupervised(supervisedProgram('survivor'), ['kill'], { ids, started });
      const stdout = 'daemon: ENOSYS, and 42\nprogram: ENOSYS, and 42\n';
      assert.deepEqual(outcome, { status: null, signal: 'SIGKILL', stdout, stderr: '' });
      while (idleProcesses(supervisor).length > 0) await setTimeout(20);
    });
  });
}
