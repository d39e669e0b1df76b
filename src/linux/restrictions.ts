/**
 * Hardened systems, reproduced for one program with the kernel features that they are made of. Each
 * restriction is a list of system calls that the launcher makes before the program runs:
 *
 * - `mdwe`: memory cannot be writable and executable, or become executable (`PR_SET_MDWE`)
 * - `no-memfd`: `memfd_create` is refused by a seccomp filter
 * - `noexec-tmp`: nothing under the temporary folders can be mapped executable
 * - `no-own-code`: the program can bring no code of its own. Every mount is noexec or read-only, memory cannot
 *   become executable, memfds are refused, and so is every call that would undo this. What remains is
 *   `/proc/self/mem`, through which a program can rewrite its own text unless the kernel forbids it.
 *
 * Mount namespaces need root or a user namespace.
 */
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import type { Machine } from '../machine/index.js';
import type { Argument, LaunchCall } from './launch.js';
import { type Mount, mountOf, mounts } from './mounts.js';
import { type Refusal, SECCOMP_SET_MODE_FILTER, seccompFilter } from './seccomp.js';

export const restrictionNames = ['mdwe', 'no-memfd', 'noexec-tmp', 'no-own-code'] as const;
export type RestrictionName = (typeof restrictionNames)[number];

// <linux/prctl.h>, <linux/sched.h>, <sys/mount.h>, <fcntl.h>, <sys/shm.h>, <sys/personality.h>
const PR_SET_NO_NEW_PRIVS = 38;
const PR_SET_MDWE = 65;
const PR_MDWE_REFUSE_EXEC_GAIN = 1;
const CLONE_NEWNS = 0x20000;
const CLONE_NEWUSER = 0x10000000;
const MS_RDONLY = 1;
const MS_NOEXEC = 8;
const MS_REMOUNT = 32;
const MS_BIND = 4096;
const MS_REC = 16384;
const MS_PRIVATE = 1 << 18;
/** Options of a mount that a remount must repeat, or it would clear them, which a user namespace may not. */
const mountFlags: Readonly<Record<string, number>> = {
  ro: MS_RDONLY,
  nosuid: 2,
  nodev: 4,
  noexec: MS_NOEXEC,
  noatime: 1024,
  nodiratime: 2048,
  relatime: 1 << 21,
};
const AT_FDCWD = -100;
const O_WRONLY = 1;
const SHM_EXEC = 0o100000;
const READ_IMPLIES_EXEC = 0x400000;
/** `personality(0xffffffff)` only asks. */
const personalityQuery = 0xffffffff;
const { EPERM, ENOSYS } = constants.errno;

/** Where programs put temporary files. */
const temporaryFolders = ['/tmp', '/var/tmp', '/dev/shm'];

/** What the launcher has to do, in order, so that these restrictions hold for the program. */
export function restrictionCalls(machine: Machine, names: readonly RestrictionName[]): LaunchCall[] {
  const calls: LaunchCall[] = [];
  const { systemCalls: numbers } = machine;
  const call = (name: keyof typeof numbers, attempt: string, ...given: Argument[]) => {
    calls.push({ name, number: numbers[name], arguments: given, attempt });
  };
  const has = (name: RestrictionName) => names.includes(name);
  const sealed = has('no-own-code');

  if (has('noexec-tmp') || sealed) {
    enterMountNamespace(call);
    for (const mount of sealed ? sealedMounts() : noexecMounts()) remount(call, mount);
  }
  call('prctl', 'give up privileges', PR_SET_NO_NEW_PRIVS, 1);
  if (has('mdwe') || sealed) {
    call('prctl', 'restrict the program by mdwe', PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN);
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

type Call = (name: keyof Machine['systemCalls'], attempt: string, ...given: Argument[]) => void;

function enterMountNamespace(call: Call): void {
  const root = process.getuid?.() === 0;
  const attempt = root
    ? 'enter a mount namespace'
    : 'enter a mount namespace; without root it takes a user namespace';
  call('unshare', attempt, root ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER);
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
function writeTo(call: Call, path: string, text: string): void {
  const attempt = `write ${path}`;
  call('openat', attempt, AT_FDCWD, path, O_WRONLY);
  call('write', attempt, 3, text, text.length);
  call('close', attempt, 3);
}

interface Remount {
  readonly path: string;
  readonly flags: number;
  /** Whether the folder has to become a mount of its own first. */
  readonly bind: boolean;
}

function remount(call: Call, { path, flags, bind }: Remount): void {
  const attempt = `remount ${path}`;
  if (bind) call('mount', attempt, path, path, 0, MS_BIND, 0);
  call('mount', attempt, 'none', path, 0, MS_REMOUNT | MS_BIND | flags, 0);
}

const flagsOf = ({ options }: Mount): number =>
  options.reduce((flags, option) => flags | (mountFlags[option] ?? 0), 0);

/** The temporary folders that exist, each as a mount that is noexec. */
function noexecMounts(): Remount[] {
  return temporary().map((path) => temporaryMount(path, mounts()));
}

function temporaryMount(path: string, all: readonly Mount[]): Remount {
  const mount = mountOf(path, all)!;
  return { path, flags: flagsOf(mount) | MS_NOEXEC, bind: mount.path !== path };
}

/**
 * Every mount: temporary folders stay writable and become noexec, and so do those that hold no programs;
 * all others become read-only.
 */
function sealedMounts(): Remount[] {
  const all = mounts();
  const folders = temporary();
  // What another mount hides, or whose folder is gone, nobody can reach by a path.
  const visible = all.filter(
    (mount) => mountOf(mount.path, all) === mount && !folders.includes(mount.path) && existsSync(mount.path),
  );
  const kernel = new Set([
    'proc',
    'sysfs',
    'devpts',
    'devtmpfs',
    'mqueue',
    'cgroup2',
    'cgroup',
    'tmpfs',
    'hugetlbfs',
  ]);
  return [
    // Before the folder's file system becomes read-only, make those mounts of their own that stay writable.
    ...folders.map((path) => temporaryMount(path, all)),
    ...visible.map((mount) => ({
      path: mount.path,
      flags: flagsOf(mount) | (kernel.has(mount.type) ? MS_NOEXEC : MS_RDONLY),
      bind: false,
    })),
  ];
}

function temporary(): string[] {
  return temporaryFolders.filter((path) => existsSync(path));
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
    numbers.mount,
    numbers.umount2,
    numbers.pivot_root,
    numbers.chroot,
    numbers.setns,
    numbers.unshare,
    numbers.open_tree,
    numbers.move_mount,
    numbers.fsopen,
    numbers.fsmount,
    numbers.mount_setattr,
  ];
  return [
    ...memfdRefusals(numbers),
    ...always.map((call) => ({ call, errno: EPERM })),
    { call: numbers.clone, errno: EPERM, when: { argument: 0, anyOf: namespaces } },
    // Its flags are in memory, where a filter cannot look. C libraries fall back to clone.
    { call: numbers.clone3, errno: ENOSYS },
    { call: numbers.shmat, errno: EPERM, when: { argument: 2, anyOf: SHM_EXEC } },
    {
      call: numbers.personality,
      errno: EPERM,
      when: { argument: 0, anyOf: READ_IMPLIES_EXEC, unless: personalityQuery },
    },
  ];
}
