/** Terminals and job control, with a real one: test/programs/supervised/terminal.c. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { needs } from '../support/needs.js';
import { supervisedProgram } from '../support/programs.js';
import { runPlain, trampfd } from '../support/supervised.js';

const folder = mkdtempSync(join(tmpdir(), 'trampfd-terminal-'));
after(() => rmSync(folder, { recursive: true }));

const [interrupt, quit, suspend] = ['\x03', '\x1c', '\x1a'];
/** Says when it reads: what was typed to a shell is no line for others. */
const cat = `sh -c 'echo go""ne; exec cat'`;
const shell = ['bash', '--norc', '--noprofile', '-i'];
/** Printed by a shell, and by nothing that was typed: what is echoed has quotes in it. */
const prompt = 'READY> ';
const setPrompt = ['type:PS1=READ""Y"> "\n', `wait:${prompt}`];

/** Uses a program in a terminal. */
async function use(steps: readonly string[], program: readonly string[]): Promise<string> {
  const terminal = supervisedProgram('terminal');
  const env = { TERM: 'dumb', F: trampfd, LC_ALL: 'C' };
  const { status, stdout, stderr } = await runPlain(terminal, [...steps, '--', ...program], { env });
  assert.equal(status, 0, `${stderr}\n${stdout}`);
  return stdout.replaceAll('\r', '');
}

/** Uses a shell with job control; `command` is typed first. */
function inShell(command: string, steps: readonly string[]): Promise<string> {
  const end = ['type:exit 9\n'];
  return use([...setPrompt, `type:${command}\n`, ...steps, ...end], shell);
}

/** What was printed by `echo status=$?`. */
const askStatus = (status: number) => ['type:echo sta""tus=$?\n', `wait:status=${status}`];

describe('a terminal', { skip: needs('gcc', 'seccomp'), concurrency: 2 }, () => {
  const sleeper = `sh -c 'echo go""ne; exec sleep 100'`;

  test('the interrupt key', async () => {
    await inShell(`$F run -- ${sleeper}`, [
      'wait:gone',
      `type:${interrupt}`,
      `wait:${prompt}`,
      ...askStatus(130),
    ]);
  });

  test('the quit key', async () => {
    const steps = ['wait:gone', `type:${quit}`, `wait:${prompt}`, ...askStatus(131)];
    await inShell(`ulimit -c 0; $F run -- ${sleeper}`, steps);
  });

  test('a program that handles the interrupt key gets it once, and goes on', async () => {
    const script = `trap 'echo ca""ught' INT; echo go""ne; for i in 1 2; do read line; echo re""ad $line; done`;
    const steps = [
      'wait:gone',
      `type:${interrupt}`,
      'wait:caught',
      'type:one\n',
      'wait:read',
      'type:two\n',
      'wait:two\r\n',
    ];
    const told = await inShell(`$F run -- bash -c "${script}"`, [
      ...steps,
      `wait:${prompt}`,
      ...askStatus(0),
    ]);
    assert.equal(told.match(/^(\^C)?caught$/gm)?.length, 1, told);
  });

  test('stopping, in the background and in the foreground', async () => {
    await inShell(`$F run -- ${cat}`, [
      ...[
        'wait:gone',
        'type:one\n',
        'wait:one\r\none\r\n',
        `type:${suspend}`,
        'wait:Stopped',
        `wait:${prompt}`,
      ],
      ...['type:bg\n', `wait:${prompt}`],
      // It reads, and nothing in the background may.
      ...['type:while jobs | grep -q Running; do :; done; jobs\n', 'wait:Stopped', `wait:${prompt}`],
      // Until it has the terminal again, a key would be the shell's.
      ...['type:fg\n', 'wait:exec cat', 'type:two\n', 'wait:two\r\ntwo\r\n'],
      ...[`type:${interrupt}`, `wait:${prompt}`, ...askStatus(130)],
    ]);
  });

  test('a program that handles the stop key and SIGCONT gets each once', async () => {
    const script = `trap 'echo con""tinued' CONT; echo go""ne; while :; do read line; echo re""ad $line; done`;
    const told = await inShell(`$F run -- bash -c "${script}"`, [
      ...['wait:gone', `type:${suspend}`, 'wait:Stopped', `wait:${prompt}`, 'type:fg\n', 'wait:continued'],
      ...[`type:${interrupt}`, `wait:${prompt}`, ...askStatus(130)],
    ]);
    assert.equal(told.match(/^continued$/gm)?.length, 1, told);
  });

  test('killing a job', async () => {
    const steps = ['wait:gone', `type:${suspend}`, 'wait:Stopped', 'type:kill %1; fg\n', `wait:${prompt}`];
    await inShell(`$F run -- ${sleeper}`, [
      ...steps,
      'type:jobs; echo no""ne\n',
      'wait:none',
      `wait:${prompt}`,
    ]);
  });

  for (const sh of ['bash', 'dash']) {
    test(`the interrupt key ends a script of ${sh}`, async () => {
      const script = `${sh} -c '$F run -- sh -c "echo go\\"\\"ne; exec sleep 100"; echo wr""ong'`;
      const steps = ['wait:gone', `type:${interrupt}`, `wait:${prompt}`, ...askStatus(130)];
      assert.doesNotMatch(await inShell(script, steps), /^wrong$/m);
    });
  }

  test('a shell with job control as the program', async () => {
    await inShell(`$F run -- ${shell.join(' ')}`, [
      ...[
        'type:PS1=INN""ER"> "\n',
        'wait:INNER> ',
        `type:${cat}\n`,
        'wait:gone',
        'type:one\n',
        'wait:one\r\none\r\n',
      ],
      ...[
        `type:${suspend}`,
        'wait:Stopped',
        'wait:INNER> ',
        'type:fg\n',
        'wait:exec cat',
        'type:two\n',
        'wait:two\r\ntwo\r\n',
        `type:${interrupt}`,
        'wait:INNER> ',
      ],
      ...askStatus(130),
      ...['type:exit 7\n', `wait:${prompt}`, ...askStatus(7)],
    ]);
  });

  test('the leader of a session', async () => {
    const told = await use(
      [
        ...setPrompt,
        `type:${cat}\n`,
        'wait:gone',
        'type:one\n',
        'wait:one\r\none\r\n',
        `type:${interrupt}`,
        `wait:${prompt}`,
        'type:exit 3\n',
      ],
      [trampfd, 'run', '--', ...shell],
    );
    assert.match(told, /\[status 3\]\n$/);
  });

  test('its size', async () => {
    const trap = `trap 'stty size; n=x\\$n' WINCH`;
    const script = `n=; ${trap}; echo go""ne; until [ x\\$n = xxx ]; do read -t 0.05; echo .; done`;
    // A shell forgets a signal that comes while it handles the one before: the dots tell that it has.
    const handled = 'wait:.\r\n.\r\n';
    const steps = ['wait:gone', 'size:33x99', 'wait:33 99', handled, 'size:44x88', 'wait:44 88'];
    const told = await inShell(`$F run -- bash -c "${script}"`, [...steps, `wait:${prompt}`]);
    assert.equal(told.match(/^\d+ \d+$/gm)?.length, 2, told);
  });

  test('what the program makes of it stays', async () => {
    const steps = [`wait:${prompt}`, 'type:stty -a\n', 'wait:intr = ^X', `wait:${prompt}`];
    await inShell('$F run -- stty -echo intr ^X', steps);
  });

  test('a program in raw mode reads the keys', async () => {
    const script =
      'stty raw -echo; printf go; printf ne; dd bs=1 count=3 2>/dev/null | od -An -tx1; stty sane';
    const steps = [
      'wait:gone',
      `type:${interrupt}${suspend}\r`,
      'wait:03 1a 0d',
      `wait:${prompt}`,
      ...askStatus(0),
    ];
    await inShell(`$F run -- sh -c "${script}"`, steps);
  });

  test('when it goes, the program is told', async () => {
    const marker = join(folder, 'hung-up');
    const script = `trap 'touch ${marker}; exit 4' HUP; echo gone; while :; do sleep 0.05; done`;
    const told = await use(['wait:gone', 'hang-up'], [trampfd, 'run', '--', 'sh', '-c', script]);
    assert.match(told, /\[(status 4|signal 1)\]\n$/);
    assert.ok(existsSync(marker));
  });
});
