/** A program inherits the same state with and without a supervisor, except for TRAMPFD_SUPERVISOR. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { after, describe, test } from 'node:test';
import { needs } from '../support/needs.js';
import { supervisedProgram } from '../support/programs.js';
import { users } from '../support/restricted.js';
import { runPlain, type SupervisedOptions, trampfd } from '../support/supervised.js';

const state = needs('gcc', 'seccomp') === false ? supervisedProgram('state') : '';
const block = needs('gcc', 'seccomp') === false ? supervisedProgram('block') : '';
const folder = mkdtempSync(join(tmpdir(), "trampfd 'odd\n$ä-"));
chmodSync(folder, 0o777);
after(() => rmSync(folder, { recursive: true }));

interface CompareOptions extends Pick<SupervisedOptions, 'cwd' | 'env' | 'ids'> {
  readonly args?: readonly string[];
  /** Whether to ignore the order of lines. */
  readonly sorted?: boolean;
  /** The command, with its arguments before `run`. */
  readonly command?: readonly string[];
}

/** Runs a program through a command that prepares its state, with and without a supervisor; compares the output. */
async function compare(
  by: readonly [string, ...string[]],
  { args = [], sorted = false, command = [trampfd], ...options }: CompareOptions = {},
): Promise<string> {
  const [prepare, ...prepareArgs] = by;
  const alone = await runPlain(prepare, [...prepareArgs, state, ...args], options);
  assert.match(alone.stdout, /^EXIT-SUCCESS$/m, alone.stderr);
  const supervised = await runPlain(
    prepare,
    [...prepareArgs, ...command, 'run', '--', state, ...args],
    options,
  );
  assert.equal(supervised.stderr, alone.stderr);
  assert.equal(supervised.status, alone.status);
  const announcement = 'variable TRAMPFD_SUPERVISOR=1\n';
  assert.ok(supervised.stdout.includes(announcement));
  // `_` is the command that a shell has executed.
  const comparable = (text: string) => {
    const lines = text
      .replaceAll(/:\[\d+\]/g, ':[N]')
      .replace(/^variable _=.*\n/m, '')
      .split('\n');
    return sorted ? lines.sort() : lines;
  };
  assert.deepEqual(comparable(supervised.stdout.replace(announcement, '')), comparable(alone.stdout));
  return supervised.stdout;
}

const shell = (script: string): [string, ...string[]] => ['bash', '-c', `${script}; exec "$@"`, 'bash'];

for (const { name, ids, skip } of users) {
  describe(`as ${name}`, { skip: needs('gcc', 'seccomp') }, () => {
    test('unchanged state', async () => {
      await compare(['env'], { ids });
    });

    test('arguments that are not text', async () => {
      const args = ['', ' ', '--', '-x', '--harden', 'a\nb', '\'"$`\\', 'ä€𝄞', 'x'.repeat(100_000)];
      await compare(['env'], { ids, args });
      await compare(['bash', '-c', "exec \"$@\" $'\\xff\\xfe\\x01' $'\\xc3'", 'bash'], { ids });
    });

    test('variables that shells drop or change', async () => {
      const env = {
        'a.b': 'c',
        'BASH_FUNC_f%%': '() { :; }',
        PWD: '/nowhere',
        IFS: 'xyz',
        EMPTY: '',
        LINES: 'a\nb\n',
      };
      const output = await compare(['env', '=odd', 'TRAMPFD_INHERITED=mine'], { ids, env });
      assert.match(output, /^variable a\.b=c\nvariable BASH_FUNC_f%%/m);
      await compare(shell("export BYTES=$'\\xff\\x01'"), { ids });
      // Under MDWE, Node needs an option in NODE_OPTIONS.
      const { PATH, NODE_OPTIONS = '' } = process.env;
      await compare(['env', '-i', `PATH=${PATH}`, `NODE_OPTIONS=${NODE_OPTIONS}`], { ids });
      if (NODE_OPTIONS !== '') return;
      const command = ['/bin/sh', trampfd, '--node', process.execPath];
      await compare(['env', '-i'], { ids, command });
      await compare(['env', '-i', 'PATH=/nowhere'], { ids, command });
    });

    test('NODE_OPTIONS, which apply only to the program', async () => {
      const options = `${process.env['NODE_OPTIONS'] ?? ''} --require=/nowhere.js --inspect=127.0.0.1:1`;
      await compare(['env'], { ids, env: { NODE_OPTIONS: options } });
    });

    test('more arguments and variables than usual', async () => {
      const env = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`LONG${n}`, 'y'.repeat(50_000)]));
      const args = Array.from({ length: 3000 }, (_, n) => `argument ${n}`);
      // The shell passes on what one variable cannot hold, but in another order.
      await compare(['env'], { ids, env, args, sorted: true });
    });

    test('open fds, and closed standard streams', async () => {
      await compare(shell('exec 3</etc/passwd 4>/dev/null 7</dev/null 9>>/dev/null 20</ 1023</dev/zero'), {
        ids,
      });
      await compare(shell('exec 3< <(echo) 8> >(cat)'), { ids });
      await compare(shell('exec 0<&-'), { ids });
      await compare(shell('exec 2>&-'), { ids });
      await compare(shell('exec 0<&- 2>&- 3</dev/null'), { ids });
      // The shell that starts Node reads this file, too.
      await compare(shell(`exec 0<${trampfd} 9<${trampfd}`), { ids });
    });

    test('the supervisor has no copies of fds that the program has closed', async () => {
      const stdio = [
        ...(['pipe', 'pipe', 'inherit', 'pipe'] as const),
        ...Array<'ignore'>(16).fill('ignore'),
      ];
      const child = spawn(trampfd, ['run', '--', 'bash', '-c', 'exec 1>&- 3>&- 20>&-; read'], {
        ...ids,
        stdio: [...stdio, 'pipe'],
      });
      const deadline = setTimeout(() => child.kill('SIGKILL'), 20_000);
      const streams = [1, 3, 20].map((fd) => child.stdio[fd] as Readable);
      await Promise.all(streams.map((stream) => once(stream.resume(), 'end')));
      assert.deepEqual([child.exitCode, child.signalCode], [null, null]);
      child.stdin!.end('\n');
      assert.deepEqual(await once(child, 'exit'), [0, null]);
      clearTimeout(deadline);
    });

    test('limits, umask, niceness', async () => {
      await compare(shell('ulimit -Sn 512; ulimit -Hn 600; ulimit -c 0; ulimit -s 4096; umask 0137'), {
        ids,
      });
      // Too small for the supervisor's own files.
      await compare(shell('ulimit -Sf 1'), { ids });
      await compare(['nice', '-n', '7'], { ids });
      await compare(['setarch', '-R'], { ids });
    });

    test('ignored and blocked signals', async () => {
      const output = await compare([block], { ids });
      assert.match(output, /^ignored 1 13 20 25 40\nblocked 1 2 3 /m);
      await compare(['nohup'], { ids });
    });

    test('sessions', async () => {
      await compare(['setsid', '-w'], { ids });
    });

    test('working directories with any name, and a removed one', async () => {
      await compare(['env'], { ids, cwd: '/' });
      const enter = shell("cd \"$FOLDER\" && mkdir -p $'\\xff' && cd $'\\xff'");
      const output = await compare(enter, { ids, env: { FOLDER: folder } });
      assert.match(output, /^folder .*\\377$/m);
      await compare(['env'], { cwd: folder });
      const removed = shell('d=$(mktemp -d) && cd "$d" && rmdir "$d"');
      const supervised = await runPlain(removed[0], [...removed.slice(1), trampfd, 'run', '--', state], {
        ids,
      });
      assert.match(supervised.stdout, /^folder none\n[\s\S]*^EXIT-SUCCESS$/m);
    });

    test('working directories with restrictions that remount them', { skip }, async () => {
      const enter = (folder: string) => shell(`d=$(mktemp -d) && cd "$d" && ${folder}`);
      const run = async ([command, ...args]: readonly [string, ...string[]], harden: string) =>
        runPlain(command, [...args, trampfd, 'run', '--harden', harden, '--', state], { ids });
      const { stdout } = await run(enter("mkdir $'\\xff' && cd $'\\xff'"), 'noexec-tmp');
      assert.match(stdout, /^folder .*\\377$/m);
      const removed = enter('rmdir "$d"');
      assert.match((await run(removed, 'mdwe')).stdout, /^folder none\n/m);
      const { status, stderr } = await run(removed, 'noexec-tmp');
      assert.equal(status, 125);
      assert.match(stderr, /^trampfd: Cannot enter the working directory: chdir failed \(ENOENT\)$/m);
    });
  });
}
