/** A C program that runs under a supervisor and receives requests as lines. */
import { spawn } from 'node:child_process';
import { readSync, writeSync } from 'node:fs';
import { close, pipe } from '#src/linux/fs/fds.js';
import { program, second, third } from './native.js';

export interface ClientResult {
  readonly sum: bigint;
  readonly nanoseconds: number;
}

export class Client {
  readonly #requests: number;
  readonly #replies: number;
  readonly #bytes = Buffer.alloc(256);

  /** @param supervisor the command that runs the program, or an empty list */
  constructor(supervisor: readonly string[]) {
    const [requests, replies] = [pipe('create a pipe to a program'), pipe('create a pipe to a program')];
    const client = program('client');
    const [command, ...args] = [...supervisor, client];
    spawn(command!, args, { stdio: [requests.read, replies.write, 'inherit'] });
    close(requests.read);
    close(replies.write);
    this.#requests = requests.write;
    this.#replies = replies.read;
  }

  /**
   * Performs an action `count` times and waits for the result.
   * @param rest the next line, for actions that read one
   */
  run(action: string, count: number, rest = ''): ClientResult {
    writeSync(this.#requests, `${action} ${count} ${second} ${third}\n${rest}`);
    // A reply is shorter than PIPE_BUF, so one read returns it whole.
    const length = readSync(this.#replies, this.#bytes);
    const words = /^(\d+) (\d+)\n$/.exec(this.#bytes.toString('latin1', 0, length));
    if (words === null) throw new Error(`The client sent no reply: ${action}`);
    return { sum: BigInt(words[1]!), nanoseconds: Number(words[2]) };
  }

  /** Closes the pipes; the program exits at the end of its input. */
  close(): void {
    close(this.#requests);
    close(this.#replies);
  }
}
