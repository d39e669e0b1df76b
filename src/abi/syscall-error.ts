/** Error of a system call: the errno for the caller, and a message for traces and the audit log. */
export class SyscallError extends Error {
  readonly code: SyscallErrno;

  constructor(code: SyscallErrno, reason: string) {
    super(reason);
    this.code = code;
  }
}

export type SyscallErrno =
  | ('EINVAL' | 'EFAULT' | 'EPERM' | 'EMFILE' | 'ENFILE')
  | ('ENOMEM' | 'ENOSPC' | 'EFBIG' | 'EAGAIN' | 'EBUSY');
