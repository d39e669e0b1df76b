/** `TrampolineObject`: as a system call under a supervisor, and as this process's own objects without one. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ownErrors } from '../support/child.js';
import { needs } from '../support/needs.js';

const child = fileURLToPath(new URL('./descriptor.child.js', import.meta.url));
const front = fileURLToPath(new URL('../../../dist/bundle/trampfd.js', import.meta.url));

function run(command: readonly string[], subject: string) {
  const [program, ...args] = [...command, process.execPath, child, subject];
  const { status, stdout, stderr } = spawnSync(program!, args, { encoding: 'utf8', timeout: 60_000 });
  return { status, stdout, stderr: ownErrors(stderr) };
}

const hosts = [
  {
    name: 'under a supervisor',
    command: [front, 'run', '--'],
    modes: ['fast', 'slow'],
    skip: needs('seccomp'),
  },
  { name: 'kept by this process', command: [], modes: ['fast'], skip: false },
];

for (const { name, command, modes, skip } of hosts) {
  describe(name, { skip }, () => {
    const passes = (subject: string) =>
      assert.deepEqual(run(command, subject), { status: 0, stdout: 'EXIT-SUCCESS\n', stderr: '' });
    for (const mode of modes) {
      test(`${mode}: contexts read back, take effect and can be removed`, () => passes(`contexts ${mode}`));
      test(`${mode}: instances have contexts of their own`, () => passes(`instances ${mode}`));
    }
    test('it goes through a socket, by number, and into a child', () => passes('hand-over'));
    test('wrong arguments change nothing', () => passes('bad-input'));
  });
}

test('slow ones need a supervisor', () => {
  const { status, stdout } = run([], 'contexts slow');
  assert.equal(status, 1);
  assert.match(
    stdout,
    /^ERR_NO_SUPERVISOR Cannot make a slow trampoline descriptor: no supervisor runs this/,
  );
});
