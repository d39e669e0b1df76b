/** Programs under `trampfd run` that wait for what a test tells them, while the supervisor is watched. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { ownErrors } from './child.js';
import { type Outcome, trampfd } from './supervised.js';

export interface ConversationOptions {
  /** A command before the whole, with its arguments. */
  readonly by?: readonly string[];
  /** A hang is a failure. In milliseconds. */
  readonly timeout?: number;
}

/** A program that runs, and does a step of its work for each line that it is told. */
export class Conversation {
  readonly #child;
  readonly #lines;
  readonly #errors: Promise<string>;
  readonly #deadline: NodeJS.Timeout;

  constructor(
    program: string,
    args: readonly string[] = [],
    { by = [], timeout = 60_000 }: ConversationOptions = {},
  ) {
    const [first, ...rest] = [...by, trampfd, 'run', '--', program, ...args];
    this.#child = spawn(first!, rest);
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#errors = text(this.#child.stderr);
    this.#deadline = setTimeout(() => this.#child.kill('SIGKILL'), timeout);
  }

  /** Tells the program a line, and returns what it answers. */
  async ask(line: string): Promise<string> {
    this.#child.stdin.write(`${line}\n`);
    return this.hear();
  }

  async hear(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`the program has ended: ${await this.#errors}`);
    return value;
  }

  /** What the supervisor has; only root may look. */
  supervisor(): { readonly descriptors: number; readonly kilobytes: number } {
    const folder = `/proc/${this.#child.pid}`;
    const status = readFileSync(`${folder}/status`, 'latin1');
    return {
      descriptors: readdirSync(`${folder}/fd`).length,
      kilobytes: Number(/^VmRSS:\s*(\d+)/m.exec(status)![1]),
    };
  }

  /** Whatever state it is in. */
  kill(): void {
    clearTimeout(this.#deadline);
    this.#child.kill('SIGKILL');
  }

  /** Lets the program go to its end. */
  async end(): Promise<Omit<Outcome, 'stdout'>> {
    const exit = once(this.#child, 'exit');
    this.#child.stdin.end();
    const [status, signal] = (await exit) as [number | null, NodeJS.Signals | null];
    clearTimeout(this.#deadline);
    return { status, signal, stderr: ownErrors(await this.#errors) };
  }
}
