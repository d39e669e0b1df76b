/** Programs that do not use trampfd print the same with and without a supervisor, also if it traces them. */
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

/** These trace their own children, which a tracer would prevent. */
const untraceable = ['debugging'];

describe('same output with and without a supervisor', {
  skip: needs('gcc', 'seccomp'),
  concurrency: 2,
}, () => {
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
