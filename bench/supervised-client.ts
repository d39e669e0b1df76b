/** The C program that a supervisor runs, and talks to this one in lines. */
import { spawn } from 'node:child_process';
import { readSync, writeSync } from 'node:fs';
import { close, pipe } from '#src/linux/fs/fds.js';
import { program, second, third } from './native.js';

export interface Done {
  readonly sum: bigint;
  readonly nanoseconds: number;
}

export class Client {
  readonly #requests: number;
  readonly #answers: number;
  readonly #bytes = Buffer.alloc(256);

  /** @param supervisor the command in front of the program, if any */
  constructor([command, ...args]: readonly string[]) {
    const [requests, answers] = [pipe('talk to a program'), pipe('talk to a program')];
    const client = program('client');
    const given = command === undefined ? [] : [...args, client];
    spawn(command ?? client, given, { stdio: [requests.read, answers.write, 'inherit'] });
    close(requests.read);
    close(answers.write);
    this.#requests = requests.write;
    this.#answers = answers.read;
  }

  /** Waits until it is done. @param rest the next line, where the action wants one */
  do(action: string, count: number, rest = ''): Done {
    writeSync(this.#requests, `${action} ${count} ${second} ${third}\n${rest}`);
    // An answer is short and comes whole: a pipe keeps it together.
    const length = readSync(this.#answers, this.#bytes);
    const words = /^(\d+) (\d+)\n$/.exec(this.#bytes.toString('latin1', 0, length));
    if (words === null) throw new Error(`the program does not answer: ${action}`);
    return { sum: BigInt(words[1]!), nanoseconds: Number(words[2]) };
  }

  /** It ends when nobody can ask any more. */
  end(): void {
    close(this.#requests);
    close(this.#answers);
  }
}
