/** Kernel features, detected by system calls without side effects. */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { errno, libc } from '../native/libc.js';
import { addressOfBytes } from '../native/memory-view.js';
import { MFD_NOEXEC_SEAL } from './mm/memfd.js';
import { __NR_mseal } from './mm/memory.js';
import { readStatus } from './process/proc-status.js';
import { PROCMAP_QUERY, PROCMAP_QUERY_ARG } from './process/procmap-query.js';
import { SECCOMP_GET_NOTIF_SIZES } from './seccomp/seccomp-notify.js';

const PR_GET_MDWE = 66;
export const PR_MDWE_REFUSE_EXEC_GAIN = 1;

/**
 * `PR_GET_MDWE`: returns whether memory is prevented from becoming executable; `undefined` before Linux 6.3.
 * @see PR_SET_MDWE(2const)
 */
export function mdweState(): boolean | undefined {
  const state = libc().prctl(PR_GET_MDWE, 0, 0, 0, 0);
  return state < 0 ? undefined : (state & PR_MDWE_REFUSE_EXEC_GAIN) !== 0;
}

/** Whether there is `mseal`, Linux 6.10: sealing an empty range succeeds. */
export function hasMseal(): boolean {
  return libc().syscall(__NR_mseal, 'long', 0n, 'long', 0n, 'long', 0n) === 0;
}

/** Whether there is `MFD_NOEXEC_SEAL`, Linux 6.3. */
export function hasMemfdNoexecSeal(): boolean {
  const fd = libc().memfd_create('trampfd-probe', MFD_NOEXEC_SEAL);
  if (fd < 0) return errno() !== constants.errno.EINVAL;
  closeSync(fd);
  return true;
}

/** Whether there is seccomp user notification, Linux 5.0. @see seccomp_unotify(2) */
export function hasSeccompNotification(seccompNumber: number): boolean {
  const sizes = new Uint8Array(16);
  const address = addressOfBytes(sizes);
  return (
    libc().syscall(seccompNumber, 'long', BigInt(SECCOMP_GET_NOTIF_SIZES), 'long', 0n, 'long', address) === 0
  );
}

/** Whether there is `PROCMAP_QUERY`, Linux 6.11. @see PROCMAP_QUERY in Documentation/filesystems/proc.rst */
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

/**
 * Returns Yama's restriction of `ptrace`: 0 none, 1 descendants only, 2 root only, 3 no attaching; `undefined` without
 * Yama. @see Documentation/admin-guide/LSM/Yama.rst
 */
export function yamaScope(): number | undefined {
  try {
    return Number(readFileSync('/proc/sys/kernel/yama/ptrace_scope', 'latin1'));
  } catch {
    return undefined;
  }
}

/** Whether this process has shadow stacks; detected since Linux 6.6. @see Documentation/arch/x86/shstk.rst */
export function hasShadowStack(): boolean {
  return /\bshstk\b/.test(readStatus('self')?.('\\w+_Thread_features') ?? '');
}
