/** Command line of `trampfd run`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileProgram } from '../support/compile.js';
import { needs } from '../support/needs.js';
import { answers, users } from '../support/restricted.js';
import { runSupervised } from '../support/supervised.js';

const skip = needs('seccomp');

test('restrictions accumulate, in one option or in several', {
  skip: users[0]!.skip || needs('gcc'),
}, async () => {
  const program = compileProgram('code-memory', ['code-memory.c']);
  const answersUnder = async (...names: string[]) => {
    const options = names.flatMap((name) => ['--harden', name]);
    return answers((await runSupervised(program, [], { options })).stdout);
  };
  const both = await answersUnder('mdwe,no-memfd');
  for (const one of ['mdwe', 'no-memfd']) assert.notDeepEqual(await answersUnder(one), both);
  assert.deepEqual(await answersUnder('mdwe', 'no-memfd'), both);
  assert.deepEqual(await answersUnder('no-memfd', 'mdwe'), both);
});

test('an invalid command line: exit code 2, and the program does not run', { skip }, async () => {
  for (const options of [
    ['--harden', ''],
    ['--harden', 'mdwe,'],
    ['--harden', 'all'],
    ['--abi', 'rfc-v2'],
    ['--policies', 'x'],
  ]) {
    const { status, stdout, stderr } = await runSupervised('echo', ['ran'], { options });
    assert.deepEqual({ status, stdout }, { status: 2, stdout: '' }, options.join(' '));
    assert.match(stderr, /^error: .+\n/);
  }
});
