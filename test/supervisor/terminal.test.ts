/** Terminals and job control, with a pseudoterminal: test/programs/supervised/terminal.c. */
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
/** Prints `ready` before it reads, so that no line is typed to the shell instead. */
const cat = `sh -c 'echo rea""dy; exec cat'`;
const shell = ['bash', '--norc', '--noprofile', '-i'];
/** Printed only by a shell. Typed text that is echoed has quotes in it. */
const prompt = 'READY> ';
const setPrompt = ['type:PS1=READ""Y"> "\n', `wait:${prompt}`];

/** Runs a program in a terminal. @param steps as terminal.c takes them. @returns the output */
async function runInTerminal(steps: readonly string[], program: readonly string[]): Promise<string> {
  const terminal = supervisedProgram('terminal');
  const env = { TERM: 'dumb', F: trampfd, LC_ALL: 'C' };
  const { status, stdout, stderr } = await runPlain(terminal, [...steps, '--', ...program], { env });
  assert.equal(status, 0, `${stderr}\n${stdout}`);
  return stdout.replaceAll('\r', '');
}

/** Runs a shell with job control, and types `command` first. */
function runInShell(command: string, steps: readonly string[]): Promise<string> {
  const end = ['type:exit 9\n'];
  return runInTerminal([...setPrompt, `type:${command}\n`, ...steps, ...end], shell);
}

/** Steps that print the exit status, and wait for the expected one. */
const expectStatus = (status: number) => ['type:echo sta""tus=$?\n', `wait:status=${status}`];

describe('a terminal', { skip: needs('gcc', 'seccomp'), concurrency: 2 }, () => {
  const sleep = `sh -c 'echo rea""dy; exec sleep 100'`;

  test('the interrupt key', async () => {
    await runInShell(`$F run -- ${sleep}`, [
      'wait:ready',
      `type:${interrupt}`,
      `wait:${prompt}`,
      ...expectStatus(130),
    ]);
  });

  test('the quit key', async () => {
    const steps = ['wait:ready', `type:${quit}`, `wait:${prompt}`, ...expectStatus(131)];
    await runInShell(`ulimit -c 0; $F run -- ${sleep}`, steps);
  });

  test('a program that handles SIGINT receives it once and continues', async () => {
    const script = `trap 'echo ca""ught' INT; echo rea""dy; for i in 1 2; do read line; echo re""ad $line; done`;
    // Bash runs the trap after `read` if the signal arrives just before it waits.
    const steps = [
      'wait:ready',
      `type:${interrupt}`,
      'type:one\n',
      'wait:read',
      'type:two\n',
      'wait:two\r\n',
    ];
    const output = await runInShell(`$F run -- bash -c "${script}"`, [
      ...steps,
      `wait:${prompt}`,
      ...expectStatus(0),
    ]);
    assert.equal(output.match(/^(\^C)?caught$/gm)?.length, 1, output);
  });

  test('stopping, in the background and in the foreground', async () => {
    await runInShell(`$F run -- ${cat}`, [
      ...[
        'wait:ready',
        'type:one\n',
        'wait:one\r\none\r\n',
        `type:${suspend}`,
        'wait:Stopped',
        `wait:${prompt}`,
      ],
      ...['type:bg\n', `wait:${prompt}`],
      // It reads from the terminal, which a background process may not.
      ...['type:while jobs | grep -q Running; do :; done; jobs\n', 'wait:Stopped', `wait:${prompt}`],
      // Until it is in the foreground again, the shell would receive keys.
      ...['type:fg\n', 'wait:exec cat', 'type:two\n', 'wait:two\r\ntwo\r\n'],
      ...[`type:${interrupt}`, `wait:${prompt}`, ...expectStatus(130)],
    ]);
  });

  test('a program that handles SIGCONT receives it once', async () => {
    const script = `trap 'echo con""tinued' CONT; echo rea""dy; while :; do read line; echo re""ad $line; done`;
    const output = await runInShell(`$F run -- bash -c "${script}"`, [
      ...['wait:ready', `type:${suspend}`, 'wait:Stopped', `wait:${prompt}`],
      // As above: a line ends `read`.
      ...['type:fg\n', 'wait:done"', 'type:line\n', 'wait:continued'],
      ...[`type:${interrupt}`, `wait:${prompt}`, ...expectStatus(130)],
    ]);
    assert.equal(output.match(/^continued$/gm)?.length, 1, output);
  });

  test('killing a job', async () => {
    const steps = ['wait:ready', `type:${suspend}`, 'wait:Stopped', 'type:kill %1; fg\n', `wait:${prompt}`];
    await runInShell(`$F run -- ${sleep}`, [
      ...steps,
      'type:jobs; echo no""ne\n',
      'wait:none',
      `wait:${prompt}`,
    ]);
  });

  for (const sh of ['bash', 'dash']) {
    test(`the interrupt key ends a script of ${sh}`, async () => {
      const script = `${sh} -c '$F run -- sh -c "echo rea\\"\\"dy; exec sleep 100"; echo wr""ong'`;
      const steps = ['wait:ready', `type:${interrupt}`, `wait:${prompt}`, ...expectStatus(130)];
      assert.doesNotMatch(await runInShell(script, steps), /^wrong$/m);
    });
  }

  test('a shell with job control as the program', async () => {
    await runInShell(`$F run -- ${shell.join(' ')}`, [
      ...[
        'type:PS1=INN""ER"> "\n',
        'wait:INNER> ',
        `type:${cat}\n`,
        'wait:ready',
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
      ...expectStatus(130),
      ...['type:exit 7\n', `wait:${prompt}`, ...expectStatus(7)],
    ]);
  });

  test('a session leader', async () => {
    const output = await runInTerminal(
      [
        ...setPrompt,
        `type:${cat}\n`,
        'wait:ready',
        'type:one\n',
        'wait:one\r\none\r\n',
        `type:${interrupt}`,
        `wait:${prompt}`,
        'type:exit 3\n',
      ],
      [trampfd, 'run', '--', ...shell],
    );
    assert.match(output, /\[status 3\]\n$/);
  });

  test('the window size', async () => {
    const trap = `trap 'stty size; n=x\\$n' WINCH`;
    const script = `n=; ${trap}; echo rea""dy; until [ x\\$n = xxx ]; do read -t 0.05; echo .; done`;
    // The shell loses a signal that arrives while it handles the previous one: the dots show that it has finished.
    const handled = 'wait:.\r\n.\r\n';
    const steps = ['wait:ready', 'size:33x99', 'wait:33 99', handled, 'size:44x88', 'wait:44 88'];
    const output = await runInShell(`$F run -- bash -c "${script}"`, [...steps, `wait:${prompt}`]);
    assert.equal(output.match(/^\d+ \d+$/gm)?.length, 2, output);
  });

  test('settings that the program makes remain', async () => {
    const steps = [`wait:${prompt}`, 'type:stty -a\n', 'wait:intr = ^X', `wait:${prompt}`];
    await runInShell('$F run -- stty -echo intr ^X', steps);
  });

  test('a program in raw mode reads the keys', async () => {
    const script =
      'stty raw -echo; printf rea; printf dy; dd bs=1 count=3 2>/dev/null | od -An -tx1; stty sane';
    const steps = [
      'wait:ready',
      `type:${interrupt}${suspend}\r`,
      'wait:03 1a 0d',
      `wait:${prompt}`,
      ...expectStatus(0),
    ];
    await runInShell(`$F run -- sh -c "${script}"`, steps);
  });

  test('a hang-up is reported to the program', async () => {
    const marker = join(folder, 'hung-up');
    const script = `trap 'touch ${marker}; exit 4' HUP; echo ready; while :; do sleep 0.05; done`;
    const output = await runInTerminal(['wait:ready', 'hang-up'], [trampfd, 'run', '--', 'sh', '-c', script]);
    assert.match(output, /\[(status 4|signal 1)\]\n$/);
    assert.ok(existsSync(marker));
  });
});
