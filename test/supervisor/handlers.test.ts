/** Objects of the type `handler`, in C programs. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compileProgram } from '../support/compile.js';
import { needs } from '../support/needs.js';
import { randomFor, rounds } from '../support/random.js';
import { users } from '../support/restricted.js';
import { runSupervised, type SupervisedOptions } from '../support/supervised.js';

const skip = needs('gcc', 'g++', 'seccomp');

async function succeed(program: string, args: readonly string[] = [], options: SupervisedOptions = {}) {
  assert.deepEqual(await runSupervised(program, args, { timeout: 300_000, ...options }), {
    status: 0,
    signal: null,
    stdout: 'EXIT-SUCCESS\n',
    stderr: '',
  });
}

/** With the same handlers as the tests of the library's trampolines. */
const handlers = (flags: readonly string[] = []) =>
  compileProgram(`supervised-handlers${flags.join('')}`, ['supervised/handlers.c', 'handler.c'], flags);

describe('handler objects', { skip }, () => {
  for (const [kind, flags] of [
    ['a program', []],
    ['a static program', ['-static']],
    ['a position-dependent program', ['-no-pie']],
  ] as const) {
    test(`refused contexts, and the order of calls, in ${kind}`, async () => {
      await succeed(handlers(flags));
    });
  }

  const user = users.at(-1)!;
  test('for an ordinary user', { skip: user.skip }, async () => {
    await succeed(handlers(), [], { ids: user.ids });
  });

  test('save and restore every register, and write no memory in use', async (t) => {
    const files = ['supervised/handler-states.c', 'handler.c', 'capture.S'];
    const count = rounds({ normal: 20_000, long: 1_000_000 });
    await succeed(compileProgram('supervised-handler-states', files), [`${count}`, `${randomFor(t).u32()}`]);
  });

  test('a trace names the type and the reasons of refusals', async () => {
    const { stderr } = await runSupervised(handlers(), [], { options: ['--trace'] });
    assert.match(stderr, /^\[\d+\] trampfd_create\(TRAMPFD_HANDLER, 0x\w+, 0\) = \d+$/m);
    assert.match(
      stderr,
      /REGS_OFFSET\) = -1 EINVAL \(a handler object accepts no register except the PC\)$/m,
    );
    assert.match(stderr, /STACK_OFFSET\) = -1 EINVAL \(TRAMPFD_HANDLER has no context 2/m);
  });

  for (const flags of [[], ['-static']]) {
    test(`C++ exceptions unwind through them once their unwind table is registered ${flags}`, async () => {
      const files = ['supervised/handler-unwind.cc', 'handler-unwind.cc'];
      await succeed(compileProgram(`supervised-handler-unwind${flags.join('')}`, files, flags));
    });
  }
});
