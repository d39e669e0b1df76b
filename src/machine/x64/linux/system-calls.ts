import type { SystemCalls } from '../../linux-abi.js';
import { unifiedSystemCalls } from '../../unified-syscalls.js';

/** System call numbers of x86-64: arch/x86/entry/syscalls/syscall_64.tbl in the Linux source. */
export const systemCalls: SystemCalls = {
  read: 0,
  write: 1,
  close: 3,
  mmap: 9,
  munmap: 11,
  rt_sigaction: 13,
  rt_sigprocmask: 14,
  rt_sigreturn: 15,
  pread64: 17,
  pwrite64: 18,
  sched_yield: 24,
  shmat: 30,
  getpid: 39,
  clone: 56,
  execve: 59,
  fcntl: 72,
  chdir: 80,
  ptrace: 101,
  rt_sigqueueinfo: 129,
  personality: 135,
  pivot_root: 155,
  prctl: 157,
  chroot: 161,
  mount: 165,
  umount2: 166,
  gettid: 186,
  futex: 202,
  exit_group: 231,
  openat: 257,
  unshare: 272,
  dup3: 292,
  rt_tgsigqueueinfo: 297,
  perf_event_open: 298,
  prlimit64: 302,
  open_by_handle_at: 304,
  setns: 308,
  process_vm_readv: 310,
  process_vm_writev: 311,
  seccomp: 317,
  memfd_create: 319,
  bpf: 321,
  userfaultfd: 323,
  ...unifiedSystemCalls,
};

/** `AUDIT_ARCH_X86_64`. */
export const auditArch = 0xc000003e;

/** Bit of the system call numbers of the x32 ABI, whose calls have the same `auditArch`: <asm/unistd.h>. */
export const x32Bit = 0x40000000;
