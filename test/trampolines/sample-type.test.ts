import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownErrors, runChild } from '../support/child.js';

test('a type of slow trampolines is one object', () => {
  const { stdout, stderr } = runChild('trampolines/sample-type', []);
  assert.equal(ownErrors(stderr), '');
  assert.equal(stdout, 'done\n');
});
