/** The launcher's output on the status pipe. */
import { TrampfdError } from '../core/errors.js';
import { systemError } from '../native/errno.js';
import type { SyscallRequest } from './syscall-script.js';

/**
 * Decodes all that was written to the status pipe. @returns the error, or `undefined` if the program was executed
 * @param exitDescription exit code or signal of the launcher, for the error if it wrote nothing
 */
export function decodeFailure(
  statusBytes: Uint8Array,
  syscalls: readonly SyscallRequest[],
  exitDescription: string,
): TrampfdError | undefined {
  if (statusBytes.length === 1) return undefined;
  if (statusBytes.length < 16) {
    const message = `Cannot launch: the launcher exited with ${exitDescription}`;
    return new TrampfdError(message, { code: 'ERR_TRAMPFD_LAUNCHER' });
  }
  const record = Buffer.from(statusBytes.subarray(-16));
  const { name, attempt } = syscalls[Number(record.readBigUInt64LE(0))]!;
  return systemError(attempt, { syscall: name, errno: Number(record.readBigUInt64LE(8)) });
}
