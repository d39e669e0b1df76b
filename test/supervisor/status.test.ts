/** Exit statuses, and errors of programs that cannot be started. */
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { needs } from '../support/needs.js';
import { users } from '../support/restricted.js';
import { runPlain, runSupervised, trampfd } from '../support/supervised.js';

const skip = needs('seccomp');

const folder = mkdtempSync(join(tmpdir(), 'trampfd-status-'));
chmodSync(folder, 0o755);
after(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string, mode: number): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

describe('exit status', { skip, concurrency: 2 }, () => {
  for (const status of [0, 1, 77, 125, 126, 127, 128, 255]) {
    test(`exit code ${status}`, async () => {
      const ended = await runSupervised('sh', ['-c', `exit ${status}`]);
      assert.deepEqual(ended, { status, signal: null, stdout: '', stderr: '' });
    });
  }

  for (const signal of [1, 2, 6, 9, 11, 13, 14, 15, 34, 64]) {
    test(`signal ${signal}`, async () => {
      const ended = await runSupervised('bash', ['-c', `ulimit -c 0; kill -${signal} $$`]);
      assert.deepEqual(ended, { status: 128 + signal, signal: null, stdout: '', stderr: '' });
    });
  }
});

describe('programs that cannot be started', { skip, concurrency: 2 }, () => {
  const refusals: [name: string, program: string, status: number, message: RegExp][] = [
    ['no such file', join(folder, 'nothing'), 127, /there is no such program/],
    ['no such command', 'trampfd-no-such-command', 127, /there is no such program/],
    ['an empty name', '', 127, /there is no such program/],
    ['a folder', folder, 126, /EACCES/],
    ['a file that is not executable', file('text', 'exit 3', 0o644), 126, /EACCES/],
    ['a missing interpreter', file('lost', '#!/nothing\n', 0o755), 127, /execve failed \(ENOENT\)/],
  ];
  for (const [name, program, status, message] of refusals) {
    test(name, async () => {
      const ended = await runSupervised(program);
      assert.equal(ended.status, status, ended.stderr);
      assert.match(ended.stderr, /^trampfd: Cannot .*\n$/);
      assert.match(ended.stderr, message);
    });
  }

  test('the shell runs a script without an interpreter line', async () => {
    const script = file('script', 'echo "$0: $1, $2"; exit 6', 0o755);
    const ended = await runSupervised(script, ['a b', 'c']);
    assert.deepEqual(ended, { status: 6, signal: null, stdout: `${script}: a b, c\n`, stderr: '' });
  });

  test('a supervisor under a supervisor', async () => {
    const ended = await runSupervised(trampfd, ['run', 'true']);
    assert.equal(ended.status, 125);
    assert.match(ended.stderr, /^trampfd: Cannot .*another supervisor.*EBUSY/);
  });

  for (const { name, ids } of users.filter(({ ids }) => ids.uid !== undefined)) {
    test(`a program that ${name} cannot read`, async () => {
      const path = join(folder, 'unreadable');
      copyFileSync('/bin/true', path);
      chmodSync(path, 0o711);
      const ended = await runSupervised(path, [], { ids });
      assert.equal(ended.status, 125);
      assert.match(ended.stderr, /its file is not readable/);
    });
  }
});

describe('tools', { skip, concurrency: 2 }, () => {
  const commands: [string, ...string[]][] = [
    ['git', '--no-pager', '-C', process.cwd(), 'log', '-5'],
    ['sh', '-c', 'echo "int main(void){return 0;}" | gcc -x c -c -o /dev/null - && echo compiled'],
    ['python3', '-c', 'import threading, subprocess; print(subprocess.check_output(["echo", "hello"]))'],
    ['npm', '--version'],
    ['bash', '-c', 'set -o pipefail; yes | head -c 300000 | sort | uniq -c; echo $?'],
    [
      ...(['bash', '-c'] as const),
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
      'exec 3>&1; coproc { read; echo late >&3; }; echo early; echo >&${COPROC[1]}; wait; exec sh -c "echo executed; exit 4"',
    ],
  ];
  for (const [program, ...args] of commands) {
    test([program, ...args].join(' '), async () => {
      const alone = await runPlain(program, args);
      assert.deepEqual(await runSupervised(program, args), alone);
      if (program === 'npm') return; // Node does not run under MDWE
      const hardened = await runSupervised(program, args, { options: ['--harden', 'mdwe,no-memfd'] });
      assert.deepEqual(hardened, alone, 'hardened');
    });
  }

  test('standard input, and a pipeline of two', async () => {
    const input = 'line\n'.repeat(100_000);
    assert.equal((await runSupervised('cat', [], { input })).stdout, input);
    const script = `set -o pipefail; "$0" run -- cat | "$0" run -- wc -l`;
    const { stdout, stderr, status } = await runPlain('bash', ['-c', script, trampfd], { input });
    assert.deepEqual({ stdout, stderr, status }, { stdout: '100000\n', stderr: '', status: 0 });
  });

  test('a broken pipe', async () => {
    const { stdout, stderr } = await runPlain('bash', [
      '-c',
      'set -o pipefail; "$0" run -- yes | head -n 1; echo $?',
      trampfd,
    ]);
    assert.deepEqual({ stdout, stderr }, { stdout: 'y\n141\n', stderr: '' });
  });
});
