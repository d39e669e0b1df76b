/** Checks every statement of the manual page about calls and invocations, through the header in C and C++. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownErrors } from '../support/child.js';
import { compileProgram } from '../support/compile.js';
import { needs } from '../support/needs.js';
import { runSupervised } from '../support/supervised.js';

for (const name of ['syscalls', 'invocations']) {
  for (const { language, file, flags } of [
    { language: 'C', file: `${name}.c`, flags: ['-std=c99'] },
    { language: 'static C', file: `${name}.c`, flags: ['-std=c99', '-static'] },
    { language: 'C++', file: `${name}.cc`, flags: ['-std=c++11'] },
  ]) {
    test(`${name}, ${language}`, { skip: needs('gcc', 'g++', 'seccomp') }, async () => {
      const program = compileProgram(`${name}-${language.replace(' ', '-')}`, [file], flags);
      const { stdout, stderr, status } = await runSupervised(program);
      assert.equal(ownErrors(stderr), '');
      assert.deepEqual({ stdout, status }, { stdout: 'EXIT-SUCCESS\n', status: 0 });
    });
  }
}
