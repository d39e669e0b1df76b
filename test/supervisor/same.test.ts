/** Programs that need no trampfd print the same with and without a supervisor, also when it traces them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { needs } from '../support/needs.js';
import { supervisedProgram, tracedProgram } from '../support/programs.js';
import { runPlain, runSupervised } from '../support/supervised.js';

const names = [
  ...['bombs', 'chain', 'daemon', 'epolls', 'filters', 'interrupted', 'jumps', 'leader-exits', 'limits'],
  ...[
    'memory',
    'pipes',
    'sessions',
    'signal-info',
    'stopped',
    'signal-storm',
    'terminal-pair',
    'many-threads',
    'timers',
  ],
  ...['vforks', 'waiting'],
  ...['altstack-exec', 'clones', 'inherited', 'locks', 'sockets', 'proc-self'],
];

/** A program that is traced already can trace none of its children. */
const untraceable = ['debugging'];

describe('the same with and without', { skip: needs('gcc', 'seccomp'), concurrency: 2 }, () => {
  for (const name of [...names, ...untraceable]) {
    test(name, async () => {
      const program = supervisedProgram(name);
      const alone = await runPlain(program);
      assert.match(alone.stdout, /^EXIT-SUCCESS$/m, alone.stderr);
      assert.deepEqual(await runSupervised(program), alone);
      if (untraceable.includes(name)) return;
      assert.deepEqual(await runSupervised(tracedProgram(name)), alone, 'traced');
    });
  }
});
