/** Signals to `trampfd run` reach the program exactly once. */
import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { needs } from '../support/needs.js';
import { supervisedProgram, tracedProgram } from '../support/programs.js';
import { trampfd } from '../support/supervised.js';

const SIGRTMIN = 34;
const lastSignal = 12; // SIGUSR2

class SignalListener {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  /** The program's process ID. */
  pid = 0;

  constructor(program: string) {
    // In its own process group.
    this.#child = spawn(trampfd, ['run', '--', program], { detached: true, timeout: 60_000 });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async start(): Promise<this> {
    this.pid = Number((await this.line()).replace('process ', ''));
    return this;
  }

  get supervisor(): number {
    return this.#child.pid!;
  }

  async line(): Promise<string> {
    return (await this.#lines.next()).value as string;
  }

  /** Sends a last signal, waits until the program ends, and returns the lines before that of the last signal. */
  async remainingLines(): Promise<string[]> {
    process.kill(this.supervisor, lastSignal);
    const lines: string[] = [];
    for (;;) {
      const line = await this.line();
      if (line === `signal ${lastSignal} value 0`) break;
      lines.push(line);
    }
    const exit = once(this.#child, 'exit');
    this.#child.stdin.end();
    assert.equal(await this.line(), 'EXIT-SUCCESS');
    assert.deepEqual(await exit, [0, null]);
    return lines;
  }
}

for (const [mode, compile] of [
  ['plain', supervisedProgram],
  ['traced', tracedProgram],
] as const) {
  describe(`${mode}: signals`, { skip: needs('gcc', 'seccomp') }, () => {
    const signals = [1, 2, 3, 10, 13, 14, 15, 16, 20, 21, 22, 23, 27, 28, 30, 31, SIGRTMIN, 40, 64];

    test('to the supervisor', async () => {
      const program = await new SignalListener(compile('listen')).start();
      for (const signal of signals) {
        process.kill(program.supervisor, signal);
        assert.equal(await program.line(), `signal ${signal} value 0`);
      }
      assert.deepEqual(await program.remainingLines(), []);
    });

    test('to the program', async () => {
      const program = await new SignalListener(compile('listen')).start();
      for (const signal of signals) process.kill(program.pid, signal);
      for (const _ of signals) await program.line();
      assert.deepEqual(await program.remainingLines(), []);
    });

    test('to the group', async () => {
      const program = await new SignalListener(compile('listen')).start();
      for (const signal of signals) {
        process.kill(-program.supervisor, signal);
        assert.equal(await program.line(), `signal ${signal} value 0`);
      }
      assert.deepEqual(await program.remainingLines(), []);
    });

    test('many to the group at once', async () => {
      const program = await new SignalListener(compile('listen')).start();
      for (const signal of signals) process.kill(-program.supervisor, signal);
      const seen = new Set<string>();
      for (const _ of signals) seen.add(await program.line());
      assert.deepEqual(await program.remainingLines(), []);
      assert.equal(seen.size, signals.length);
    });

    test('with values', async () => {
      const program = await new SignalListener(compile('listen')).start();
      const queue = supervisedProgram('queue');
      for (let value = 1; value <= 20; value++) {
        spawnSync(queue, [String(program.supervisor), String(SIGRTMIN), String(value)]);
        assert.equal(await program.line(), `signal ${SIGRTMIN} value ${value}`);
      }
      assert.deepEqual(await program.remainingLines(), []);
    });

    test('a burst of real-time signals', async () => {
      const program = await new SignalListener(compile('listen')).start();
      for (let round = 0; round < 1000; round++) process.kill(program.supervisor, SIGRTMIN);
      for (let round = 0; round < 1000; round++) {
        assert.equal(await program.line(), `signal ${SIGRTMIN} value 0`);
      }
      assert.deepEqual(await program.remainingLines(), []);
    });
  });
}
