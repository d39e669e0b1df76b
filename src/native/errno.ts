/** The one place that turns a failed system call into an error. */
import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import { TrampfdError } from '../core/errors.js';

/** Names by number. Node's own function knows fewer. */
const errnoNames = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));

/** The symbolic name of an error number: `EACCES` for 13. */
export function errnoName(errno: number): string {
  return errnoNames.get(errno) ?? getSystemErrorName(-errno);
}

/** The number of a symbolic name: 13 for `EACCES`. */
export function errnoValue(name: keyof typeof constants.errno): number {
  return constants.errno[name];
}

/**
 * The error for a system call that was refused.
 * @param attempt what was to be done, to stand behind "Cannot"
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
  if (code === 'EFBIG') return '; RLIMIT_FSIZE allows no file as long';
  return '';
}

/** Whether an error tells of a lack that may pass, rather than of something that is forbidden or not there. */
export function isResourceExhausted(error: unknown): boolean {
  return ['ENOMEM', 'EMFILE', 'ENFILE', 'ENOSPC'].includes((error as { code?: string }).code ?? '');
}

/** The error for one that Node's `fs` threw; other errors come back as they are. */
export function fromNodeError(attempt: string, error: unknown): unknown {
  const { errno, syscall } = error as NodeJS.ErrnoException;
  if (typeof errno !== 'number' || typeof syscall !== 'string') return error;
  return systemError(attempt, { syscall, errno: Math.abs(errno) });
}
