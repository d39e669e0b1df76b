/** What a {@link TrampfdError} knows besides its message. */
export interface TrampfdErrorDetails {
  /** The symbolic reason: an errno name (`'EACCES'`), or one of ours (`'ERR_FREED'`, `'ERR_TRAMPFD_UNSUPPORTED'`). */
  readonly code: string;
  /** The error number of the system call that was refused; absent when no system call was. */
  readonly errno?: number | undefined;
  /** The system call that was refused, by its kernel name. */
  readonly syscall?: string | undefined;
  readonly cause?: unknown;
}

/**
 * Something that was asked for correctly could not be had: the system refused it, or the object is gone.
 * Wrong arguments are `TypeError` or `RangeError` instead.
 *
 * The message says what was attempted and the state that stopped it.
 *
 * @example
 * ```ts
 * import { symbolAddress, TrampfdError } from 'trampfd';
 *
 * try {
 *   symbolAddress('no_such_function');
 * } catch (error) {
 *   if (!(error instanceof TrampfdError)) throw error;
 *   console.log(error.code); // ERR_TRAMPFD_SYMBOL
 * }
 * ```
 */
export class TrampfdError extends Error {
  override readonly name = 'TrampfdError';
  /** The symbolic reason: an errno name (`'EACCES'`), or one of ours (`'ERR_FREED'`). */
  readonly code: string;
  /** The error number of the system call that was refused; `undefined` when no system call was. */
  readonly errno: number | undefined;
  /** The system call that was refused, by its kernel name. */
  readonly syscall: string | undefined;

  constructor(message: string, { code, errno, syscall, cause }: TrampfdErrorDetails) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
  }
}
