/** `spawnSupervised`. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { type SpawnSupervisedOptions, spawnSupervised } from 'trampfd/supervisor';
import { ownErrors } from '../support/child.js';
import { needs } from '../support/needs.js';

const skip = needs('seccomp');

async function run(program: string, args: readonly string[], options: SpawnSupervisedOptions = {}) {
  const child = spawnSupervised(program, args, { stdio: 'pipe', ...options });
  child.stdin?.end();
  const [stdout, stderr, [status]] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    once(child, 'exit'),
  ]);
  return { status, stdout, stderr: ownErrors(stderr) };
}

test('a program gets its arguments, environment and working directory; its exit code is returned', {
  skip,
}, async () => {
  const { PATH, NODE_OPTIONS } = process.env;
  const env = { PATH, NODE_OPTIONS, GIVEN: 'a b' };
  assert.deepEqual(
    await run('sh', ['-c', 'echo "$1 $GIVEN $PWD $TRAMPFD_SUPERVISOR"; exit 7', 'sh', 'x  y'], {
      env,
      cwd: '/',
    }),
    {
      status: 7,
      stdout: 'x  y a b / 1\n',
      stderr: '',
    },
  );
  assert.equal((await run('sh', ['-c', 'kill -TERM $$'])).status, 128 + 15);
});

test('a program whose PATH has no commands', { skip }, async () => {
  const env = { PATH: '/nowhere', NODE_OPTIONS: process.env['NODE_OPTIONS'] };
  const { status, stdout, stderr } = await run('/bin/sh', ['-c', 'echo "$PATH"'], { env });
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '/nowhere\n', stderr: '' });
});

test("messages through Node's IPC channel", { skip }, async () => {
  const echo = `process.on('message', (message) => {
    process.send(message);
    if (message === 'last') process.disconnect();
  });`;
  const stdio = ['ignore', 'ignore', 'inherit', 'ipc'] as const;
  const child = spawnSupervised(process.execPath, ['--eval', echo], { stdio: [...stdio] });
  const [sent, received] = [['first', 'second', 'last'], [] as unknown[]];
  child.on('message', (message) => received.push(message));
  for (const message of sent) child.send(message);
  const deadline = setTimeout(() => child.kill('SIGKILL'), 20_000);
  // The last message may be read after the exit.
  const [[status]] = await Promise.all([once(child, 'exit'), once(child, 'disconnect')]);
  clearTimeout(deadline);
  assert.deepEqual({ status, received }, { status: 0, received: sent });
});

test('signals are forwarded to the program', { skip }, async () => {
  const child = spawnSupervised(
    'sh',
    ['-c', 'trap "echo got it; exit 3" TERM; echo ready; while :; do sleep 0.05; done'],
    {
      stdio: 'pipe',
    },
  );
  const output = text(child.stdout!);
  await once(child.stdout!, 'readable');
  child.kill('SIGTERM');
  const [status] = await once(child, 'exit');
  assert.equal(status, 3);
  assert.match(await output, /got it\n$/);
});

test('a program that cannot be started', { skip }, async () => {
  const { status, stderr } = await run('/nowhere/program', []);
  assert.deepEqual(
    { status, stderr },
    { status: 127, stderr: 'trampfd: Cannot run /nowhere/program: there is no such program\n' },
  );
});

test('restrictions, a policy and an audit log apply', { skip }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'trampfd-supervise-'));
  try {
    const [policy, audit] = [join(folder, 'policy.json'), join(folder, 'audit')];
    writeFileSync(policy, '{ "types": ["code"] }');
    const script = `
      import { createTrampolineObject } from 'trampfd/object';
      try { createTrampolineObject(); } catch (error) { console.log(error.code, error.syscall); }`;
    const args = ['--jitless', '--input-type=module', '--eval', script];
    const { status, stdout, stderr } = await run(process.execPath, args, {
      restrictions: ['mdwe'],
      policy,
      audit,
    });
    assert.deepEqual({ status, stdout }, { status: 0, stdout: 'EPERM trampfd_create\n' }, stderr);
    const [line] = readFileSync(audit, 'utf8').trim().split('\n');
    const { code, reason } = JSON.parse(line!);
    assert.deepEqual(
      { code, reason },
      { code: 'EPERM', reason: 'the policy forbids objects of the type user' },
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('wrong arguments', { skip }, () => {
  const bad = spawnSupervised as (...args: unknown[]) => unknown;
  assert.throws(() => bad(1), TypeError);
  assert.throws(() => bad('true', 'arguments'), TypeError);
  assert.throws(() => bad('true', ['1', 2]), TypeError);
  assert.throws(() => bad('true', [], { restrictions: ['everything'] }), RangeError);
  assert.throws(() => bad('true', [], { harden: 'mdwe' }), TypeError);
  assert.throws(() => bad('true', [], { policy: 1 }), TypeError);
  assert.throws(() => bad('true', [], { abi: 'rfc-v2' }), RangeError);
  assert.throws(() => bad('true', [], { shell: true }), TypeError);
});
