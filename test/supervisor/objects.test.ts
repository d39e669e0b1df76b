/** Objects in C programs: the interface, instances, object types, sharing. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compileProgram } from '../support/compile.js';
import { needs } from '../support/needs.js';
import { rounds } from '../support/random.js';
import { users } from '../support/restricted.js';
import { type Outcome, runSupervised } from '../support/supervised.js';

function expectSuccess({ status, signal, stdout, stderr }: Outcome, before = ''): void {
  assert.deepEqual(
    { status, signal, stdout, stderr },
    { status: 0, signal: null, stdout: `${before}EXIT-SUCCESS\n`, stderr: '' },
  );
}

/** Compiles a program of `test/programs/supervised`. */
function program(source: string, flags: readonly string[] = []): string {
  const name = `supervised-${source.replace('.c', '')}${flags.join('')}`;
  return compileProgram(name, [`supervised/${source}`], flags);
}

/** An unprivileged user. */
const user = users.at(-1)!;

describe('objects', { skip: needs('gcc', 'g++', 'seccomp') }, () => {
  for (const [kind, flags] of [
    ['a program', []],
    ['a static program', ['-static']],
    ['a position-dependent program', ['-no-pie']],
  ] as const) {
    test(`every argument of every call, in ${kind}`, async () => {
      expectSuccess(await runSupervised(program('interface.c', flags)));
    });
  }

  for (const source of ['interface.c', 'sharing.c', 'overwrite.c', 'processes.c']) {
    test(`${source} for an ordinary user`, { skip: user.skip }, async () => {
      expectSuccess(await runSupervised(program(source), [], { ids: user.ids }));
    });
  }

  test('a program in C++', async () => {
    expectSuccess(await runSupervised(program('closure.cc')));
  });

  for (const mode of ['fast', 'slow'] as const) {
    for (const count of [1, 2, 1000, 65536]) {
      test(`${count} ${mode} ${count === 1 ? 'instance' : 'instances'}, each with its own contexts`, async () => {
        const args = [mode === 'slow' ? '1' : '0', `${count}`];
        expectSuccess(await runSupervised(program('instances.c'), args));
      });
    }
  }

  test('tables, and code followed by its data', async () => {
    expectSuccess(await runSupervised(program('kinds.c')));
  });

  test('dup, fork, exec and sockets share an object, which has many mappings', async () => {
    expectSuccess(await runSupervised(program('sharing.c')));
  });

  test('a fast object cannot be written', async () => {
    expectSuccess(await runSupervised(program('overwrite.c')));
  });

  test('a hundred processes at once', async () => {
    expectSuccess(await runSupervised(program('processes.c')));
  });

  for (const changesRegisters of [false, true]) {
    const change = changesRegisters ? 'which registers are set' : 'registers';
    test(`two threads change ${change} of a fast object while two invoke it`, async () => {
      const invocations = rounds({ normal: 1e8, long: 4e9 });
      const args = [changesRegisters ? '1' : '0', `${invocations}`, '0'];
      const outcome = await runSupervised(program('race.c'), args, { timeout: 300_000 });
      expectSuccess(outcome, '0 mixed, some changes: yes\n');
    });
  }

  test('two threads change a slow object while two invoke it', async () => {
    const invocations = rounds({ normal: 4e3, long: 1e6 });
    const args = ['1', `${invocations}`, '1'];
    const outcome = await runSupervised(program('race.c'), args, { timeout: 300_000 });
    expectSuccess(outcome, '0 mixed, some changes: yes\n');
  });

  test('--abi rfc-v1: a program for the first proposal', async () => {
    const options = ['--abi', 'rfc-v1'];
    expectSuccess(await runSupervised(program('rfc.c'), [], { options }));
    assert.notEqual((await runSupervised(program('rfc.c'))).status, 0);
  });

  test('a program without TRAMPFD_SUPERVISOR makes no calls', async () => {
    const { status, stdout } = await runSupervised('/usr/bin/env', [
      '-u',
      'TRAMPFD_SUPERVISOR',
      program('kinds.c'),
    ]);
    assert.equal(status, 1);
    assert.match(stdout, /not so: fd >= 0 .*Function not implemented/);
  });
});
