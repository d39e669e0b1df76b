/** Errors of system calls. */
import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import { TrampfdError } from '../core/errors.js';

/** Names by number. `getSystemErrorName` knows fewer. */
const errnoNames = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));

/** Returns the symbolic name of an error number: `EACCES` for 13. */
export function errnoName(errno: number): string {
  return errnoNames.get(errno) ?? getSystemErrorName(-errno);
}

/** Returns the number of a symbolic name: 13 for `EACCES`. */
export function errnoValue(name: keyof typeof constants.errno): number {
  return constants.errno[name];
}

/**
 * Returns the error for a system call that failed.
 * @param attempt the purpose of the call, as the message has it after "Cannot"
 */
export function systemError(
  attempt: string,
  { syscall, errno }: { syscall: string; errno: number },
): TrampfdError {
  const code = errnoName(errno);
  return new TrampfdError(`Cannot ${attempt}: ${syscall} failed (${code})${hint(syscall, code)}`, {
    code,
    errno,
    syscall,
  });
}

function hint(syscall: string, code: string): string {
  if (code === 'ENOMEM' && (syscall === 'mmap' || syscall === 'mprotect')) {
    return '; the process has no memory left, or as many mappings as vm.max_map_count allows';
  }
  if (code === 'EMFILE') return '; the process has as many open files as RLIMIT_NOFILE allows';
  if (code === 'EFBIG') return '; the file would be longer than RLIMIT_FSIZE allows';
  return '';
}

/** Whether the error is transient resource exhaustion rather than a refusal. */
export function isResourceExhausted(error: unknown): boolean {
  return ['ENOMEM', 'EMFILE', 'ENFILE', 'ENOSPC'].includes((error as { code?: string }).code ?? '');
}

/** Converts an error of Node's `fs` to ours; returns other errors unchanged. */
export function fromNodeError(attempt: string, error: unknown): unknown {
  const { errno, syscall } = error as NodeJS.ErrnoException;
  if (typeof errno !== 'number' || typeof syscall !== 'string') return error;
  return systemError(attempt, { syscall, errno: Math.abs(errno) });
}
