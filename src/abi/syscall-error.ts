/** Why a call is refused: the errno that the caller gets, and the reason for those who watch. */
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
