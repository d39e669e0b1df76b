/** Which features this kernel has: asked by calls that change nothing. */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { errno, libc } from '../native/libc.js';
import { MFD_NOEXEC_SEAL } from './mm/memfd.js';
import { __NR_mseal, addressOfBytes } from './mm/memory.js';
import { PROCMAP_QUERY, PROCMAP_QUERY_ARG } from './process/procmap-query.js';
import { SECCOMP_GET_NOTIF_SIZES } from './seccomp/seccomp-notify.js';

const PR_GET_MDWE = 66;
export const PR_MDWE_REFUSE_EXEC_GAIN = 1;

/** `PR_GET_MDWE`: whether memory can still become executable; `undefined` before Linux 6.3. @see PR_SET_MDWE(2const) */
export function mdweState(): boolean | undefined {
  const state = libc().prctl(PR_GET_MDWE, 0, 0, 0, 0);
  return state < 0 ? undefined : (state & PR_MDWE_REFUSE_EXEC_GAIN) !== 0;
}

/** `mseal`, Linux 6.10: sealing nothing succeeds. */
export function hasMseal(): boolean {
  return libc().syscall(__NR_mseal, 'long', 0n, 'long', 0n, 'long', 0n) === 0;
}

/** `MFD_NOEXEC_SEAL`, Linux 6.3. */
export function hasMemfdNoexecSeal(): boolean {
  const fd = libc().memfd_create('trampfd-probe', MFD_NOEXEC_SEAL);
  if (fd < 0) return errno() !== constants.errno.EINVAL;
  closeSync(fd);
  return true;
}

/** Notifications of system calls, Linux 5.0. @see seccomp_unotify(2) */
export function hasSeccompNotification(seccompNumber: number): boolean {
  const sizes = new Uint8Array(16);
  const address = addressOfBytes(sizes);
  return (
    libc().syscall(seccompNumber, 'long', BigInt(SECCOMP_GET_NOTIF_SIZES), 'long', 0n, 'long', address) === 0
  );
}

/** Asking for one mapping instead of reading all, Linux 6.11. @see PROCMAP_QUERY in Documentation/filesystems/proc.rst */
export function hasProcmapQuery(): boolean {
  const fd = openSync('/proc/self/maps', 'r');
  try {
    const query = new BigUint64Array(PROCMAP_QUERY_ARG.size / 8);
    query[0] = BigInt(PROCMAP_QUERY_ARG.size);
    const result = libc().ioctl(fd, PROCMAP_QUERY, addressOfBytes(query));
    return result === 0 || errno() !== constants.errno.ENOTTY;
  } finally {
    closeSync(fd);
  }
}

/** What Yama allows of `ptrace`: 0 all, 1 descendants, 2 root, 3 nobody; nothing without Yama. @see Documentation/admin-guide/LSM/Yama.rst */
export function yamaScope(): number | undefined {
  try {
    return Number(readFileSync('/proc/sys/kernel/yama/ptrace_scope', 'latin1'));
  } catch {
    return undefined;
  }
}

/** Whether this process has shadow stacks: a line in its status since Linux 6.6. @see Documentation/arch/x86/shstk.rst */
export function hasShadowStack(): boolean {
  return /^\w+_Thread_features:.*\bshstk\b/m.test(readFileSync('/proc/self/status', 'utf8'));
}
