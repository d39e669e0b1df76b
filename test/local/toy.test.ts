import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownErrors, runChild } from '../support/child.js';

test('a type of slow trampolines is one object', { skip: process.arch !== 'x64' && 'x86-64 only' }, () => {
  const { stdout, stderr } = runChild('local/toy', []);
  assert.equal(ownErrors(stderr), '');
  assert.equal(stdout, 'done\n');
});
