/** The properties of a {@link TrampfdError} besides its message. */
export interface TrampfdErrorDetails {
  /** An errno name (`'EACCES'`), or a code of this package (`'ERR_TRAMPFD_FREED'`). */
  readonly code: string;
  /** The error number of the failed system call; absent if no system call failed. */
  readonly errno?: number | undefined;
  /** The failed system call, by the kernel's name. */
  readonly syscall?: string | undefined;
  readonly cause?: unknown;
}

/**
 * A valid request failed: the system refused it, or the object is closed or frozen. Wrong arguments throw
 * `TypeError` or `RangeError` instead.
 *
 * The message says what was attempted and why it failed.
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
  /** An errno name (`'EACCES'`), or a code of this package (`'ERR_TRAMPFD_FREED'`). */
  readonly code: string;
  /** The error number of the failed system call; `undefined` if no system call failed. */
  readonly errno: number | undefined;
  /** The failed system call, by the kernel's name. */
  readonly syscall: string | undefined;

  constructor(message: string, { code, errno, syscall, cause }: TrampfdErrorDetails) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
  }
}
