/** `trampfd/object`: with a supervisor, which stores the objects, and without one. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ownErrors } from '../support/child.js';
import { needs } from '../support/needs.js';

const child = fileURLToPath(new URL('./trampoline-object.child.js', import.meta.url));
const command = fileURLToPath(new URL('../../../dist/bundle/trampfd.js', import.meta.url));

function run(prefix: readonly string[], subject: string) {
  const [program, ...args] = [...prefix, process.execPath, child, subject];
  const { status, stdout, stderr } = spawnSync(program!, args, { encoding: 'utf8', timeout: 300_000 });
  return { status, stdout, stderr: ownErrors(stderr) };
}

const backends = [
  {
    name: 'under a supervisor',
    prefix: [command, 'run', '--'],
    modes: ['fast', 'slow'],
    skip: needs('seccomp'),
  },
  { name: 'in this process', prefix: [], modes: ['fast'], skip: false },
];

for (const { name, prefix, modes, skip } of backends) {
  describe(name, { skip }, () => {
    const passes = (subject: string) =>
      assert.deepEqual(run(prefix, subject), { status: 0, stdout: 'EXIT-SUCCESS\n', stderr: '' });
    for (const mode of modes) {
      test(`${mode}: contexts read back, take effect and can be removed`, () => passes(`contexts ${mode}`));
      test(`${mode}: each instance has its own contexts`, () => passes(`instances ${mode}`));
    }
    test('the fd is sent through a socket, opened by number, and inherited by a child', () => passes('send'));
    test('wrong arguments change nothing', () => passes('bad-input'));
  });
}

test('slow objects need a supervisor', () => {
  const { status, stdout } = run([], 'contexts slow');
  assert.equal(status, 1);
  assert.match(stdout, /^ERR_TRAMPFD_NO_SUPERVISOR Cannot create a slow trampoline object: /);
});
