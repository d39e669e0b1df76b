/** Programs under `trampfd run` that perform a step for each line of input, while the supervisor is observed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { ownErrors } from './child.js';
import { type Outcome, trampfd } from './supervised.js';

export interface SessionOptions {
  /** A command, with its arguments, that runs the supervisor. */
  readonly by?: readonly string[];
  /** Milliseconds until the supervisor is killed. */
  readonly timeout?: number;
}

export class SupervisedSession {
  readonly #child;
  readonly #lines;
  readonly #stderr: Promise<string>;
  readonly #deadline: NodeJS.Timeout;

  constructor(
    program: string,
    args: readonly string[] = [],
    { by = [], timeout = 60_000 }: SessionOptions = {},
  ) {
    const [command, ...commandArgs] = [...by, trampfd, 'run', '--', program, ...args];
    this.#child = spawn(command!, commandArgs);
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#stderr = text(this.#child.stderr);
    this.#deadline = setTimeout(() => this.#child.kill('SIGKILL'), timeout);
  }

  /** Writes a line to the program, and returns the line that it prints next. */
  async request(line: string): Promise<string> {
    this.#child.stdin.write(`${line}\n`);
    return this.readLine();
  }

  async readLine(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`the program has ended: ${await this.#stderr}`);
    return value;
  }

  /** Returns the supervisor's number of fds and resident memory; requires root. */
  supervisor(): { readonly fds: number; readonly kilobytes: number } {
    const directory = `/proc/${this.#child.pid}`;
    const status = readFileSync(`${directory}/status`, 'latin1');
    return {
      fds: readdirSync(`${directory}/fd`).length,
      kilobytes: Number(/^VmRSS:\s*(\d+)/m.exec(status)![1]),
    };
  }

  /** Kills the supervisor, also after it has ended. */
  kill(): void {
    clearTimeout(this.#deadline);
    this.#child.kill('SIGKILL');
  }

  /** Closes the program's standard input, and waits until it ends. */
  async end(): Promise<Omit<Outcome, 'stdout'>> {
    const exit = once(this.#child, 'exit');
    this.#child.stdin.end();
    const [status, signal] = (await exit) as [number | null, NodeJS.Signals | null];
    clearTimeout(this.#deadline);
    return { status, signal, stderr: ownErrors(await this.#stderr) };
  }
}
