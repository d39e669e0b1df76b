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
import type { Machine } from '../machine/index.js';
import { PR_MDWE_REFUSE_EXEC_GAIN } from './features.js';
import type { AddCall, LaunchCall } from './launch.js';
import { MAP_ANONYMOUS, PROT_EXEC } from './memory.js';
import { forbidExecution, sealMounts, temporaryFolders } from './remounts.js';
import { type Refusal, SECCOMP_SET_MODE_FILTER, seccompFilter } from './seccomp.js';

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
 * @param noexec folders from which nothing may be mapped executable, besides
 */
export function restrictionCalls(
  machine: Machine,
  names: readonly RestrictionName[],
  noexec: readonly string[] = [],
): LaunchCall[] {
  const calls: LaunchCall[] = [];
  const { systemCalls: numbers } = machine;
  const call: AddCall = (name, attempt, ...given) => {
    calls.push({ name, number: numbers[name], arguments: given, attempt });
  };
  const has = (name: RestrictionName) => names.includes(name);
  const sealed = has('no-own-code');

  const folders = [...(has('noexec-tmp') && !sealed ? temporaryFolders() : []), ...noexec];
  if (sealed || folders.length > 0) enterMountNamespace(call);
  if (sealed) sealMounts(call);
  if (folders.length > 0) forbidExecution(call, folders);
  call('prctl', 'give up privileges', PR_SET_NO_NEW_PRIVS, 1);
  if (has('mdwe') || sealed) {
    call(
      'prctl',
      'restrict the program by mdwe, which Linux has since 6.3',
      PR_SET_MDWE,
      PR_MDWE_REFUSE_EXEC_GAIN,
    );
  }
  if (has('no-memfd') || sealed) {
    const refusals = sealed ? sealedRefusals(numbers) : memfdRefusals(numbers);
    const program = seccompFilter(machine, refusals, ENOSYS);
    // struct sock_fprog { unsigned short len; struct sock_filter *filter; }
    const filter = { words: [program.length / 8, program] };
    call('seccomp', 'install a filter', SECCOMP_SET_MODE_FILTER, 0, filter);
  }
  return calls;
}

/** Root of a container often may not. */
function mayMount(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0';
  return process.getuid?.() === 0 && ((BigInt(`0x${effective}`) >> BigInt(CAP_SYS_ADMIN)) & 1n) === 1n;
}

function enterMountNamespace(call: AddCall): void {
  const root = mayMount();
  const attempt = 'enter a mount namespace';
  const by = root ? '' : ', which takes root (CAP_SYS_ADMIN) or a user namespace';
  call('unshare', `${attempt}${by}`, root ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER);
  if (!root) {
    // user_namespaces(7): the program keeps its numbers; setgroups must be denied before gid_map is written.
    const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
    writeTo(call, '/proc/self/setgroups', 'deny');
    writeTo(call, '/proc/self/uid_map', `${uid} ${uid} 1`);
    writeTo(call, '/proc/self/gid_map', `${gid} ${gid} 1`);
  }
  call('mount', 'make mounts private', 'none', '/', 0, MS_REC | MS_PRIVATE, 0);
}

/** The launcher has closed descriptor 3, so the next file that it opens is 3 again. */
function writeTo(call: AddCall, path: string, text: string): void {
  const attempt = `write ${path}`;
  call('openat', attempt, AT_FDCWD, path, O_WRONLY);
  call('write', attempt, 3, text, text.length);
  call('close', attempt, 3);
}

function memfdRefusals(numbers: Machine['systemCalls']): Refusal[] {
  return [
    { call: numbers.memfd_create, errno: EPERM },
    { call: numbers.memfd_secret, errno: EPERM },
  ];
}

/** Whatever brings code, or takes the restriction back. */
function sealedRefusals(numbers: Machine['systemCalls']): Refusal[] {
  const namespaces = CLONE_NEWNS | CLONE_NEWUSER;
  const always = [
    ...[numbers.mount, numbers.umount2, numbers.pivot_root, numbers.chroot, numbers.setns, numbers.unshare],
    ...[numbers.open_tree, numbers.open_tree_attr, numbers.move_mount, numbers.mount_setattr],
    ...[numbers.fsopen, numbers.fsconfig, numbers.fsmount, numbers.fspick],
    numbers.open_by_handle_at, // reaches a file through a mount other than the one that it is seen on
    numbers.ptrace, // writes a child's text
    numbers.userfaultfd, // fills executable pages of private mappings
    ...[numbers.io_uring_setup, numbers.perf_event_open, numbers.bpf], // have memory that can be mapped twice
  ];
  return [
    ...memfdRefusals(numbers),
    ...always.map((call) => ({ call, errno: EPERM })),
    { call: numbers.clone, errno: EPERM, when: [{ argument: 0, anyOf: namespaces }] },
    // Its flags are in memory, where a filter cannot look. C libraries fall back to clone.
    { call: numbers.clone3, errno: ENOSYS },
    // Shared memory can be writable in a second mapping, which MDWE allows. It answers as MDWE does.
    {
      call: numbers.mmap,
      errno: EACCES,
      when: [
        { argument: 2, anyOf: PROT_EXEC },
        { argument: 3, anyOf: MAP_ANONYMOUS },
      ],
    },
    { call: numbers.shmat, errno: EPERM, when: [{ argument: 2, anyOf: SHM_EXEC }] },
    {
      call: numbers.personality,
      errno: EPERM,
      when: [{ argument: 0, anyOf: READ_IMPLIES_EXEC, unless: personalityQuery }],
    },
  ];
}
