/** System calls that are made or filtered, with their kernel names. */
export type SystemCalls = Readonly<Record<SystemCallName, number>>;
export type SystemCallName =
  | ('read' | 'write' | 'pread64' | 'pwrite64' | 'close' | 'openat' | 'fcntl' | 'dup3')
  | ('execve' | 'chdir' | 'exit_group' | 'mmap' | 'munmap' | 'prlimit64')
  | ('rt_sigaction' | 'rt_sigprocmask' | 'rt_sigreturn' | 'rt_sigqueueinfo' | 'rt_tgsigqueueinfo')
  | ('getpid' | 'gettid' | 'pidfd_open' | 'pidfd_getfd')
  | ('process_vm_readv' | 'process_vm_writev' | 'process_madvise')
  | ('futex' | 'sched_yield')
  | ('prctl' | 'seccomp' | 'personality' | 'shmat' | 'memfd_create' | 'memfd_secret')
  | ('clone' | 'clone3' | 'unshare' | 'setns' | 'chroot' | 'pivot_root')
  | ('mount' | 'umount2' | 'open_tree' | 'open_tree_attr' | 'move_mount' | 'mount_setattr')
  | ('fsopen' | 'fsconfig' | 'fsmount' | 'fspick' | 'open_by_handle_at')
  | ('ptrace' | 'userfaultfd' | 'io_uring_setup' | 'perf_event_open' | 'bpf');

/** Registers of a stopped thread, as `ptrace(PTRACE_GETREGSET)` returns them for `NT_PRSTATUS`: offsets in bytes. */
export interface UserRegs {
  readonly size: number;
  readonly pc: number;
  readonly sp: number;
  /** Returns the offset of a register, by its number in the C interface. */
  offsetOf(register: number): number;
}

/** A signal handler that writes `siginfo_t` to an fd. */
export interface SiginfoToFdCode {
  readonly bytes: Uint8Array;
  /** Offset of the return address of the handler: the system call `rt_sigreturn`. */
  readonly restorerOffset: number;
}

/** Linux's interface on an architecture. */
export interface LinuxAbi {
  readonly systemCalls: SystemCalls;
  /** Architecture of a system call in a seccomp filter: `AUDIT_ARCH_…`. */
  readonly auditArch: number;
  /** Bit that marks system calls of x32, an ABI with the same `auditArch`. */
  readonly x32Bit: number | undefined;
  /** `e_machine` of ELF files. */
  readonly elfMachine: number;
  readonly userRegs: UserRegs;
  /**
   * Returns the return address of a thread that is about to enter a function. `registers` are laid out as `userRegs`.
   */
  returnAddressOf(registers: DataView, readWord: (address: bigint) => bigint): bigint;
  /** Returns a handler that writes the first `length` bytes of `siginfo_t` to `fd`. */
  siginfoToFdHandler(fd: number, length: number): SiginfoToFdCode;
}
