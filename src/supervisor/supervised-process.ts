/**
 * Public types of `spawnSupervised`, written out so that declarations do not depend on `@types/node`. With those
 * types installed, Node's own classes fit, and streams and processes from here fit functions such as `events.once`.
 */
import type { RestrictionName } from '../launcher/restrictions.js';
import type { AbiName } from './syscalls/filter.js';

/** A `URL`. */
interface UrlLike {
  readonly href: string;
  readonly protocol: string;
}

/** An `AbortSignal`. */
interface AbortSignalLike {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
}

/** A stream with an fd, such as `process.stdout` or an open `net.Socket`. */
interface StreamLike {
  pipe(destination: never): unknown;
}

/** How the program gets one of its fds, as in Node's `spawn`: a number is an fd of this process. */
export type SupervisedStdio =
  | 'inherit'
  | 'ignore'
  | 'pipe'
  | 'overlapped'
  | 'ipc'
  | number
  | StreamLike
  | null
  | undefined;

/** The options of `trampfd run`, and `cwd`, `env`, `stdio` and `signal` of Node's `spawn`. */
export interface SpawnSupervisedOptions {
  /** The program's working directory: a path or a `file:` URL. Default: that of this process. */
  readonly cwd?: string | UrlLike | undefined;
  /** The program's environment. Default: `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** The program's fds from 0 on, or one value for its three standard streams. Default: `'inherit'`. */
  readonly stdio?: 'inherit' | 'ignore' | 'pipe' | 'overlapped' | readonly SupervisedStdio[] | undefined;
  /** Ends the program when it is aborted. */
  readonly signal?: AbortSignalLike | undefined;
  /** Restrictions of the program: `mdwe`, `no-memfd`, `noexec-tmp`, `no-own-code`. */
  readonly restrictions?: readonly RestrictionName[];
  /** Path of a policy file, which restricts what the program may do with trampoline objects: docs/policy.md. */
  readonly policy?: string;
  /** Path of a file to append a line of JSON to for every call refused with `EPERM` and every refused invocation. */
  readonly audit?: string;
  /** Whether to write a line to standard error for every call. Default: false. */
  readonly trace?: boolean;
  /** `'rfc-v1'` also accepts the calls of the first proposal. Default: `'trampfd'`. */
  readonly abi?: AbiName;
}

// biome-ignore lint/suspicious/noExplicitAny: listeners choose the types, as with Node's own
type Any = any;

/** Node's `EventEmitter`. */
interface Emitter {
  on(event: string | symbol, listener: (...args: Any[]) => void): this;
  once(event: string | symbol, listener: (...args: Any[]) => void): this;
  off(event: string | symbol, listener: (...args: Any[]) => void): this;
  addListener(event: string | symbol, listener: (...args: Any[]) => void): this;
  prependListener(event: string | symbol, listener: (...args: Any[]) => void): this;
  prependOnceListener(event: string | symbol, listener: (...args: Any[]) => void): this;
  removeListener(event: string | symbol, listener: (...args: Any[]) => void): this;
  removeAllListeners(event?: string | symbol): this;
  emit(event: string | symbol, ...args: Any[]): boolean;
  eventNames(): (string | symbol)[];
  listenerCount(event: string | symbol): number;
  // biome-ignore lint/complexity/noBannedTypes: as Node declares it
  listeners(event: string | symbol): Function[];
  // biome-ignore lint/complexity/noBannedTypes: as Node declares it
  rawListeners(event: string | symbol): Function[];
  getMaxListeners(): number;
  setMaxListeners(count: number): this;
}

/** The writing end of a pipe to the program: Node's `Writable`. */
export interface SupervisedInput extends Emitter {
  write(chunk: string | Uint8Array): boolean;
  end(chunk?: string | Uint8Array): this;
  destroy(error?: Error): this;
}

/** The reading end of a pipe from the program: Node's `Readable`. */
export interface SupervisedOutput extends Emitter, AsyncIterable<Any> {
  setEncoding(encoding: 'utf8' | 'latin1' | 'hex' | 'base64'): this;
  read(size?: number): Any;
  pause(): this;
  resume(): this;
  destroy(error?: Error): this;
}

/**
 * A supervised program: Node's `ChildProcess`, whose process is the supervisor. It emits `exit` with the program's
 * exit code, or with 128 plus the number of the signal that ended the program.
 */
export interface SupervisedProcess extends Emitter {
  /** The process ID of the supervisor. */
  readonly pid?: number | undefined;
  /** `null` unless `stdio` says `'pipe'`. */
  readonly stdin: SupervisedInput | null;
  /** `null` unless `stdio` says `'pipe'`. */
  readonly stdout: SupervisedOutput | null;
  /** `null` unless `stdio` says `'pipe'`. */
  readonly stderr: SupervisedOutput | null;
  /** All pipes by the number of the program's fd. */
  readonly stdio: readonly (SupervisedInput | SupervisedOutput | null | undefined)[];
  /** `null` until `exit`, or if the supervisor itself was killed. */
  readonly exitCode: number | null;
  /** The signal that killed the supervisor. */
  readonly signalCode: string | null;
  /** Whether `kill` has sent a signal. */
  readonly killed: boolean;
  /** Whether an `'ipc'` channel is open. */
  readonly connected: boolean;
  /** Sends a signal, which the supervisor forwards to the program. `SIGKILL` and `SIGSTOP` cannot be forwarded. */
  kill(signal?: string | number): boolean;
  /** Sends a message through an `'ipc'` channel. */
  send(message: Any): boolean;
  disconnect(): void;
  /** Keeps Node's event loop alive until the program ends, which is the default. */
  ref(): void;
  unref(): void;
}
