/** Why a call is refused: the errno that the caller gets, and the reason for those who watch. */
export class Refusal extends Error {
  readonly code: RefusalCode;

  constructor(code: RefusalCode, reason: string) {
    super(reason);
    this.code = code;
  }
}

export type RefusalCode =
  | ('EINVAL' | 'EFAULT' | 'EPERM' | 'EMFILE' | 'ENFILE')
  | ('ENOMEM' | 'ENOSPC' | 'EFBIG' | 'EAGAIN' | 'EBUSY');
