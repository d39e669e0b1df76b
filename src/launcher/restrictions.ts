/**
 * Hardened systems, reproduced for one program with the kernel features that they are made of. Each
 * restriction is a list of system calls that the launcher makes before the program runs:
 *
 * - `mdwe`: memory cannot be writable and executable, or become executable (`PR_SET_MDWE`)
 * - `no-memfd`: `memfd_create` is refused by a seccomp filter
 * - `noexec-tmp`: nothing under the temporary folders can be mapped executable
 * - `no-own-code`: the program can bring no code of its own. Every mount is noexec or read-only, memory cannot
 *   become executable, memfds are refused, and so is every call that would undo this. `/proc` is read-only, too,
 *   since a program can rewrite its own text through `/proc/self/mem`.
 *
 * **Limitations** of `no-own-code`. It holds for the program, not for others that would help it: a service that
 * starts programs, a descriptor of a file elsewhere that is handed to it, as standard output or later. The kernel
 * itself gives a writable and executable stack to an installed program that was linked so. And root has other
 * ways, from the disk to the modules of the kernel: restrict programs of ordinary users.
 *
 * Mount namespaces need root or a user namespace.
 */
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { PR_MDWE_REFUSE_EXEC_GAIN } from '../linux/features.js';
import { MAP_ANONYMOUS, PROT_EXEC } from '../linux/mm/memory.js';
import { type ErrnoRule, SECCOMP_SET_MODE_FILTER, seccompFilter } from '../linux/seccomp/seccomp.js';
import type { Machine } from '../machine/index.js';
import type { PushSyscall, SyscallRequest } from './launcher.js';
import { remountNoexec, remountReadOnly, temporaryDirectories } from './mount-restrictions.js';

export const restrictionNames = ['mdwe', 'no-memfd', 'noexec-tmp', 'no-own-code'] as const;
export type RestrictionName = (typeof restrictionNames)[number];

// <linux/prctl.h>, <linux/sched.h>, <linux/capability.h>, <linux/mount.h>, <fcntl.h>, <sys/shm.h>, <sys/personality.h>
const PR_SET_NO_NEW_PRIVS = 38;
const PR_SET_MDWE = 65;
const CLONE_NEWNS = 0x20000;
const CLONE_NEWUSER = 0x10000000;
const MS_REC = 16384;
const MS_PRIVATE = 1 << 18;
const CAP_SYS_ADMIN = 21;
const AT_FDCWD = -100;
const O_WRONLY = 1;
const SHM_EXEC = 0o100000;
const READ_IMPLIES_EXEC = 0x400000;
/** `personality(0xffffffff)` only asks. */
const personalityQuery = 0xffffffff;
const { EPERM, EACCES, ENOSYS } = constants.errno;

/**
 * What the launcher has to do, in order, so that these restrictions hold for the program.
 * @param noexecDirectories folders from which nothing may be mapped executable, besides
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
  pushSyscall('prctl', 'give up privileges', PR_SET_NO_NEW_PRIVS, 1);
  if (isRequested('mdwe') || noOwnCode) {
    pushSyscall(
      'prctl',
      'restrict the program by mdwe, which Linux has since 6.3',
      PR_SET_MDWE,
      PR_MDWE_REFUSE_EXEC_GAIN,
    );
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

/** Root of a container often may not. */
function canMount(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0';
  return process.getuid?.() === 0 && ((BigInt(`0x${effective}`) >> BigInt(CAP_SYS_ADMIN)) & 1n) === 1n;
}

function enterMountNamespace(pushSyscall: PushSyscall): void {
  const privileged = canMount();
  const attempt = 'enter a mount namespace';
  const requirement = privileged ? '' : ', which takes root (CAP_SYS_ADMIN) or a user namespace';
  pushSyscall('unshare', `${attempt}${requirement}`, privileged ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER);
  if (!privileged) {
    // user_namespaces(7): the program keeps its numbers; setgroups must be denied before gid_map is written.
    const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
    pushFileWrite(pushSyscall, '/proc/self/setgroups', 'deny');
    pushFileWrite(pushSyscall, '/proc/self/uid_map', `${uid} ${uid} 1`);
    pushFileWrite(pushSyscall, '/proc/self/gid_map', `${gid} ${gid} 1`);
  }
  pushSyscall('mount', 'make mounts private', 'none', '/', 0, MS_REC | MS_PRIVATE, 0);
}

/** The launcher has closed descriptor 3, so the next file that it opens is 3 again. */
function pushFileWrite(pushSyscall: PushSyscall, path: string, text: string): void {
  const attempt = `write ${path}`;
  pushSyscall('openat', attempt, AT_FDCWD, path, O_WRONLY);
  pushSyscall('write', attempt, 3, text, text.length);
  pushSyscall('close', attempt, 3);
}

function memfdRules(nr: Machine['linux']['systemCalls']): ErrnoRule[] {
  return [
    { syscall: nr.memfd_create, errno: EPERM },
    { syscall: nr.memfd_secret, errno: EPERM },
  ];
}

/** Whatever brings code, or takes the restriction back. */
function noOwnCodeRules(nr: Machine['linux']['systemCalls']): ErrnoRule[] {
  const namespaces = CLONE_NEWNS | CLONE_NEWUSER;
  const alwaysDenied = [
    ...[nr.mount, nr.umount2, nr.pivot_root, nr.chroot, nr.setns, nr.unshare],
    ...[nr.open_tree, nr.open_tree_attr, nr.move_mount, nr.mount_setattr],
    ...[nr.fsopen, nr.fsconfig, nr.fsmount, nr.fspick],
    nr.open_by_handle_at, // reaches a file through a mount other than the one that it is seen on
    nr.ptrace, // writes a child's text
    nr.userfaultfd, // fills executable pages of private mappings
    ...[nr.io_uring_setup, nr.perf_event_open, nr.bpf], // have memory that can be mapped twice
  ];
  return [
    ...memfdRules(nr),
    ...alwaysDenied.map((syscall) => ({ syscall, errno: EPERM })),
    { syscall: nr.clone, errno: EPERM, when: [{ argument: 0, anyBits: namespaces }] },
    // Its flags are in memory, where a filter cannot look. C libraries fall back to clone.
    { syscall: nr.clone3, errno: ENOSYS },
    // Shared memory can be writable in a second mapping, which MDWE allows. It answers as MDWE does.
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
