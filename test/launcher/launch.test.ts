/** The launcher: what a program inherits, and the errors if it cannot be executed. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type LaunchOptions, launch, launcherPath } from '#src/launcher/launcher.js';
import { encodeScript, maxScriptBytes, type SyscallRequest } from '#src/launcher/syscall-script.js';
import { canEnterUserNamespace } from '#src/launcher/user-namespace.js';
import { machines } from '#src/machine/index.js';
import { hostMachine } from '#src/native/host.js';
import { needs } from '../support/needs.js';

const { systemCalls } = hostMachine().linux;

/** Runs a program until it exits. */
async function run(path: string, args: readonly string[], options: LaunchOptions = {}) {
  const { process: child, started } = launch(path, args, { ...options, stdio: options.stdio ?? 'pipe' });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (chunk: string) => {
      output[name] += chunk;
    });
  }
  const closed = new Promise((resolve) => child.on('close', resolve));
  await started.finally(() => closed);
  return { ...output, status: child.exitCode, signal: child.signalCode };
}

const call = (
  name: keyof typeof systemCalls,
  attempt: string,
  ...args: SyscallRequest['arguments']
): SyscallRequest => ({
  name,
  number: systemCalls[name],
  arguments: args,
  attempt,
});

/** Script of a Node program that prints its arguments, environment, directory and fds. */
const self = `
  const { readdirSync, readlinkSync } = require('node:fs');
  const fds = ['0', '1', '2', '3', '4'].map((fd) => {
    try { return readlinkSync('/proc/self/fd/' + fd).replace(/\\d+/, 'N'); } catch { return 'closed'; }
  });
  console.log(JSON.stringify({ argv: process.argv.slice(1), env: process.env, cwd: process.cwd(), fds }));
`;

describe('the program', () => {
  const oddArguments = [
    '',
    ' ',
    'a',
    'ab',
    'seven..',
    'eight...',
    'nine.....',
    'ä€𝄞',
    '\n\t',
    '-',
    '--',
    '\'"$`\\',
    'x'.repeat(100_001),
  ];

  test('gets its arguments, environment and directory exactly', async () => {
    const cwd = realpathSync(mkdtempSync(join(tmpdir(), 'trampfd launch ä-')));
    const env = { EMPTY: '', SPACE: ' a b ', ÜMLAUT: 'ä€𝄞', LONG: 'y'.repeat(70_000), GONE: undefined };
    // Node may need --jitless, and an emulator the path of the libraries.
    for (const name of ['NODE_OPTIONS', 'QEMU_LD_PREFIX']) {
      if (process.env[name] !== undefined) Object.assign(env, { [name]: process.env[name] });
    }
    try {
      const { stdout } = await run(process.execPath, ['--eval', self, '--', ...oddArguments], { cwd, env });
      const seen = JSON.parse(stdout);
      assert.deepEqual(seen.argv, oddArguments);
      const { GONE: _, ...expectedEnv } = env;
      assert.deepEqual(seen.env, expectedEnv);
      assert.equal(seen.cwd, cwd);
    } finally {
      rmSync(cwd, { recursive: true });
    }
    const { stdout } = await run('/bin/sh', ['-c', 'echo "$0 $#"; pwd'], {});
    assert.equal(stdout, `/bin/sh 0\n${process.cwd()}\n`);
  });

  test('gets thousands of arguments', async () => {
    const many = Array.from({ length: 20_000 }, (_, index) => `argument ${index}`);
    const { stdout } = await run('/bin/sh', ['-c', 'echo $#; shift 19999; echo "$1"', 'sh', ...many]);
    assert.equal(stdout, '20000\nargument 19999\n');
  });

  test('has the standard streams and no other fd of this process', async () => {
    const listFds = 'ls /proc/self/fd | tr "\\n" " "'; // includes the fd of the folder itself
    const script = `cat; echo error >&2; ${listFds}`;
    // Node's children inherit the fds that were open before Node started.
    const before = spawnSync('/bin/sh', ['-c', listFds], { encoding: 'utf8' }).stdout;
    const { process: child, started } = launch('/bin/sh', ['-c', script], { stdio: 'pipe' });
    let output = '';
    child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
    const closed = new Promise((resolve) => child.on('close', resolve));
    child.stdin!.end('input\n');
    await started;
    await closed;
    assert.equal(output, `input\n${before}`);
    const folder = mkdtempSync(join(tmpdir(), 'trampfd-launch-'));
    const fd = openSync(join(folder, 'out'), 'w');
    await run(
      '/bin/sh',
      ['-c', 'echo to a file; test ! -e /proc/self/fd/3 -a ! -e /proc/self/fd/4 && echo closed'],
      {
        stdio: ['ignore', fd, 'ignore'],
      },
    );
    closeSync(fd);
    assert.equal(readFileSync(join(folder, 'out'), 'utf8'), 'to a file\nclosed\n');
    rmSync(folder, { recursive: true });
  });

  test('exits with its own exit code or signal', async () => {
    for (const status of [0, 1, 125, 255]) {
      assert.equal((await run('/bin/sh', ['-c', `exit ${status}`])).status, status);
    }
    for (const signal of ['SIGKILL', 'SIGSEGV', 'SIGTERM'] as const) {
      const { status, signal: seen } = await run('/bin/sh', ['-c', `kill -${signal.slice(3)} $$`]);
      assert.deepEqual({ status, seen }, { status: null, seen: signal });
    }
    const { process: child, started } = launch('/bin/sleep', ['60'], { stdio: 'ignore' });
    await started;
    child.kill('SIGINT');
    assert.equal(await new Promise((resolve) => child.on('exit', (_, signal) => resolve(signal))), 'SIGINT');
  });
});

describe('errors', () => {
  const marker = join(tmpdir(), `trampfd-launch-${process.pid}`);
  const nothingRan = () => assert.equal(statSync(marker, { throwIfNoEntry: false }), undefined);
  const fails = async (path: string, options: LaunchOptions, error: object) => {
    await assert.rejects(run(path, [marker], options), { name: 'TrampfdError', ...error });
    nothingRan();
  };

  test('a program that cannot be executed, a directory that cannot be entered', async () => {
    await fails(
      '/nowhere/touch',
      {},
      {
        message: 'Cannot run /nowhere/touch: execve failed (ENOENT)',
        code: 'ENOENT',
        errno: 2,
        syscall: 'execve',
      },
    );
    await fails('/etc/passwd', {}, { message: 'Cannot run /etc/passwd: execve failed (EACCES)' });
    await fails(
      '/usr/bin/touch',
      { cwd: '/nowhere' },
      { message: 'Cannot enter /nowhere: chdir failed (ENOENT)' },
    );
  });

  test('a system call that fails: first, in the middle or last', async () => {
    const good = call('prctl', 'read the dumpable flag', 3);
    const bad = call('close', 'close an fd that is not open', 1000);
    const message = 'Cannot close an fd that is not open: close failed (EBADF)';
    for (const setupSyscalls of [[bad], [good, good, bad], [good, bad, good, bad]]) {
      await fails(
        '/usr/bin/touch',
        { setupSyscalls },
        { message, code: 'EBADF', errno: 9, syscall: 'close' },
      );
    }
    const many = Array.from({ length: 5000 }, () => good);
    await fails('/usr/bin/touch', { setupSyscalls: [...many, bad] }, { message });
  });

  test('a script that is too long', async () => {
    const words = 'w'.repeat(1000);
    const args = Array.from({ length: maxScriptBytes / 1000 }, () => words);
    assert.throws(() => launch('/usr/bin/touch', [marker, ...args]), {
      name: 'TrampfdError',
      code: 'E2BIG',
      message: `Cannot launch: arguments and environment take more than ${maxScriptBytes} bytes`,
    });
    nothingRan();
    // A script of the maximum length is accepted.
    const scriptOf = (length: number) => [call('exit_group', 'exit', new Uint8Array(length))];
    const overhead = encodeScript(scriptOf(0)).length;
    assert.equal(encodeScript(scriptOf(maxScriptBytes - overhead)).length, maxScriptBytes);
    assert.throws(() => encodeScript(scriptOf(maxScriptBytes - overhead + 1)), { code: 'E2BIG' });
    // One string of MAX_ARG_STRLEN bytes is too long for the kernel, but not for the launcher.
    await assert.rejects(run('/bin/true', ['x'.repeat(131_072)]), { code: 'E2BIG', syscall: 'execve' });
  });

  test('the launcher is killed during a system call', async () => {
    // Blocks: nothing is written to fd 0.
    const wait = call('read', 'wait', 0, new Uint8Array(1), 1);
    for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
      const { process: child, started } = launch('/usr/bin/touch', [marker], {
        stdio: 'pipe',
        setupSyscalls: [wait],
      });
      const rejected = assert.rejects(started, {
        name: 'TrampfdError',
        code: 'ERR_TRAMPFD_LAUNCHER',
        message: `Cannot launch: the launcher exited with ${signal}`,
      });
      setTimeout(() => child.kill(signal), 50);
      await rejected;
      nothingRan();
    }
  });
});

test('pointers, and pointers to pointers, are relocated', async () => {
  // writev(1, [{ "one", 3 }, { "two", 3 }], 2)
  const writev = { ...call('write', 'write'), number: process.arch === 'x64' ? 20 : 66 };
  const vectors = { words: ['one', 3, Uint8Array.of(116, 119, 111, 10), 4] };
  const { stdout } = await run('/bin/true', [], {
    setupSyscalls: [{ ...writev, arguments: [1, vectors, 2] }],
  });
  assert.equal(stdout, 'onetwo\n');
});

test('canEnterUserNamespace agrees with unshare(1)', {
  skip: needs('CLONE_NEWUSER'),
}, async () => {
  const possible = spawnSync('unshare', ['-U', 'true']).status === 0;
  assert.equal(await canEnterUserNamespace(), possible);
});

test('the launcher is a static program without libraries or writable code', {
  skip: needs('readelf'),
}, () => {
  for (const architecture of Object.keys(machines)) {
    const output = spawnSync('readelf', ['-hldW', launcherPath(architecture)], { encoding: 'utf8' });
    assert.equal(output.stderr, '');
    const { stdout } = output;
    assert.match(stdout, /Type: +EXEC/);
    assert.match(stdout, /There is no dynamic section/);
    assert.doesNotMatch(stdout, /INTERP|DYNAMIC/);
    assert.deepEqual(
      [...stdout.matchAll(/^ +LOAD .* (R[ W][ E]) +0x\w+$/gm)].map(([, access]) =>
        access!.replaceAll(' ', ''),
      ),
      ['RE', 'RW'],
    );
    assert.match(stdout, /^ +GNU_STACK .* RW +0x/m);
    assert.equal(statSync(launcherPath(architecture)).mode & 0o777, 0o755);
    assert.ok(statSync(launcherPath(architecture)).size < 4096);
  }
});
