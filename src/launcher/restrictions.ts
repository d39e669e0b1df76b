/**
 * Restrictions of hardened systems, applied to one program by the same kernel features. Each one is a list of system
 * calls that the launcher executes before the program:
 *
 * - `mdwe`: memory cannot be writable and executable, or become executable (`PR_SET_MDWE`)
 * - `no-memfd`: a seccomp filter makes `memfd_create` fail
 * - `noexec-tmp`: files below the temporary folders cannot be mapped executable
 * - `no-own-code`: the program can execute only installed code. Every mount is noexec or read-only, memory cannot
 *   become executable, and memfds and all system calls that would undo this fail. `/proc` is read-only as well, since
 *   a program can overwrite its own code through `/proc/self/mem`.
 *
 * **Limitations** of `no-own-code`. It restricts the program, but not processes that cooperate with it, such as a
 * service that starts programs; nor inherited or received fds of files elsewhere (including stdout). The kernel gives
 * an installed program that was linked with an executable stack a writable and executable one. And root has other
 * ways, from raw disk access to kernel modules: restrict programs of ordinary users.
 *
 * Mount namespaces need root or a user namespace.
 */
import { constants } from 'node:os';
import { AT_FDCWD, CLONE_NEWUSER, MS_REC, O_WRONLY } from '../linux/constants.js';
import { PR_MDWE_REFUSE_EXEC_GAIN } from '../linux/features.js';
import { MAP_ANONYMOUS, PROT_EXEC } from '../linux/mm/memory.js';
import { readStatus } from '../linux/process/proc-status.js';
import { type ErrnoRule, SECCOMP_SET_MODE_FILTER, seccompFilter } from '../linux/seccomp/seccomp.js';
import type { Machine } from '../machine/index.js';
import { remountNoexec, remountReadOnly, temporaryDirectories } from './mount-restrictions.js';
import { type PushSyscall, type SyscallRequest, scriptFd } from './syscall-script.js';

export const restrictionNames = ['mdwe', 'no-memfd', 'noexec-tmp', 'no-own-code'] as const;
export type RestrictionName = (typeof restrictionNames)[number];

// <linux/prctl.h>, <linux/sched.h>, <linux/capability.h>, <linux/mount.h>, <sys/shm.h>, <sys/personality.h>
const PR_SET_NO_NEW_PRIVS = 38;
const PR_SET_MDWE = 65;
const CLONE_NEWNS = 0x20000;
const MS_PRIVATE = 1 << 18;
const CAP_SYS_ADMIN = 21;
const SHM_EXEC = 0o100000;
const READ_IMPLIES_EXEC = 0x400000;
/** `personality(0xffffffff)` only returns the current value. */
const personalityQuery = 0xffffffff;
const { EPERM, EACCES, ENOSYS } = constants.errno;

/**
 * Returns the system calls that apply restrictions to the process.
 * @param noexecDirectories further folders to make noexec
 */
export function restrictionSyscalls(
  machine: Machine,
  names: readonly RestrictionName[],
  noexecDirectories: readonly string[] = [],
): SyscallRequest[] {
  const syscalls: SyscallRequest[] = [];
  const { systemCalls: nr } = machine.linux;
  const pushSyscall: PushSyscall = (name, attempt, ...args) => {
    syscalls.push({ name, number: nr[name], arguments: args, attempt });
  };
  const isRequested = (name: RestrictionName) => names.includes(name);
  const noOwnCode = isRequested('no-own-code');

  const directories = [
    ...(isRequested('noexec-tmp') && !noOwnCode ? temporaryDirectories() : []),
    ...noexecDirectories,
  ];
  if (noOwnCode || directories.length > 0) enterMountNamespace(pushSyscall);
  if (noOwnCode) remountReadOnly(pushSyscall);
  if (directories.length > 0) remountNoexec(pushSyscall, directories);
  pushSyscall('prctl', 'set no_new_privs', PR_SET_NO_NEW_PRIVS, 1);
  if (isRequested('mdwe') || noOwnCode) {
    pushSyscall('prctl', 'set MDWE, which requires Linux 6.3', PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN);
  }
  if (isRequested('no-memfd') || noOwnCode) {
    const errnoRules = noOwnCode ? noOwnCodeRules(nr) : memfdRules(nr);
    const program = seccompFilter(machine, errnoRules, ENOSYS);
    // struct sock_fprog { unsigned short len; struct sock_filter *filter; }
    const filter = { words: [program.length / 8, program] };
    pushSyscall('seccomp', 'install a filter', SECCOMP_SET_MODE_FILTER, 0, filter);
  }
  return syscalls;
}

/** Whether this process may mount: root in a container often may not. */
function canMount(): boolean {
  const effective = readStatus('self')?.('CapEff') ?? '0';
  return process.getuid?.() === 0 && ((BigInt(`0x${effective}`) >> BigInt(CAP_SYS_ADMIN)) & 1n) === 1n;
}

function enterMountNamespace(pushSyscall: PushSyscall): void {
  const privileged = canMount();
  const attempt = 'enter a mount namespace';
  const requirement = privileged ? '' : ', which requires root (CAP_SYS_ADMIN) or a user namespace';
  pushSyscall('unshare', `${attempt}${requirement}`, privileged ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER);
  if (!privileged) {
    // user_namespaces(7): user and group ids do not change; setgroups must be denied before gid_map is written.
    const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
    pushFileWrite(pushSyscall, '/proc/self/setgroups', 'deny');
    pushFileWrite(pushSyscall, '/proc/self/uid_map', `${uid} ${uid} 1`);
    pushFileWrite(pushSyscall, '/proc/self/gid_map', `${gid} ${gid} 1`);
  }
  pushSyscall('mount', 'make mounts private', 'none', '/', 0, MS_REC | MS_PRIVATE, 0);
}

/** Writes a file. The launcher has closed the script's fd, so that is the lowest free one. */
function pushFileWrite(pushSyscall: PushSyscall, path: string, text: string): void {
  const attempt = `write ${path}`;
  pushSyscall('openat', attempt, AT_FDCWD, path, O_WRONLY);
  pushSyscall('write', attempt, scriptFd, text, text.length);
  pushSyscall('close', attempt, scriptFd);
}

function memfdRules(nr: Machine['linux']['systemCalls']): ErrnoRule[] {
  return [
    { syscall: nr.memfd_create, errno: EPERM },
    { syscall: nr.memfd_secret, errno: EPERM },
  ];
}

/** Rules for system calls that could add code, or undo the restriction. */
function noOwnCodeRules(nr: Machine['linux']['systemCalls']): ErrnoRule[] {
  const namespaces = CLONE_NEWNS | CLONE_NEWUSER;
  const alwaysDenied = [
    ...[nr.mount, nr.umount2, nr.pivot_root, nr.chroot, nr.setns, nr.unshare],
    ...[nr.open_tree, nr.open_tree_attr, nr.move_mount, nr.mount_setattr],
    ...[nr.fsopen, nr.fsconfig, nr.fsmount, nr.fspick],
    nr.open_by_handle_at, // opens a file through another mount, without its flags
    nr.ptrace, // can overwrite a child's code
    nr.userfaultfd, // can fill executable pages of private mappings
    ...[nr.io_uring_setup, nr.perf_event_open, nr.bpf], // their memory can be mapped twice
  ];
  return [
    ...memfdRules(nr),
    ...alwaysDenied.map((syscall) => ({ syscall, errno: EPERM })),
    { syscall: nr.clone, errno: EPERM, when: [{ argument: 0, anyBits: namespaces }] },
    // Its flags are in memory, which a filter cannot read. C libraries fall back to clone.
    { syscall: nr.clone3, errno: ENOSYS },
    // Shared memory can have a second, writable mapping, which MDWE permits. The errno is that of MDWE.
    {
      syscall: nr.mmap,
      errno: EACCES,
      when: [
        { argument: 2, anyBits: PROT_EXEC },
        { argument: 3, anyBits: MAP_ANONYMOUS },
      ],
    },
    { syscall: nr.shmat, errno: EPERM, when: [{ argument: 2, anyBits: SHM_EXEC }] },
    {
      syscall: nr.personality,
      errno: EPERM,
      when: [{ argument: 0, anyBits: READ_IMPLIES_EXEC, notEquals: personalityQuery }],
    },
  ];
}
