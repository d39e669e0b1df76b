/** The mounts of a restricted program, as calls for the launcher: in a namespace of its own already. */
import { existsSync, realpathSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { AddCall } from './launch.js';
import { contains, type Mount, mountOf, mounts } from './mounts.js';

// <linux/mount.h>, <fcntl.h>
const MS_BIND = 4096;
const MS_REC = 16384;
const MOUNT_ATTR_RDONLY = 1;
const MOUNT_ATTR_NODEV = 4;
const MOUNT_ATTR_NOEXEC = 8;
const AT_FDCWD = -100;
const AT_RECURSIVE = 0x8000;

/** File systems of the kernel's that programs write to. Nobody's programs are there, unless at the root. */
const scratch = ['tmpfs', 'ramfs', 'devtmpfs', 'devpts', 'mqueue', 'hugetlbfs'];

/** Where programs put temporary files: the folders that exist, each once. */
export function temporaryFolders(): string[] {
  const folders = ['/tmp', '/var/tmp', '/dev/shm'].filter((path) => existsSync(path));
  return [...new Set(folders.map((path) => realpathSync(path)))];
}

/** Makes folders noexec, with what is mounted in them. */
export function forbidExecution(call: AddCall, folders: readonly string[]): void {
  separate(call, folders, mounts());
  for (const path of folders) setAttributes(call, path, { set: MOUNT_ATTR_NOEXEC, flags: AT_RECURSIVE });
}

/**
 * Makes every mount read-only and without devices (a shared mapping of `/dev/zero` is memory). Then those that
 * have to stay writable get back what they had, and become noexec: temporary folders, and what holds no programs.
 */
export function sealMounts(call: AddCall): void {
  const all = mounts();
  const folders = temporaryFolders();
  const writable: Mount[] = folders.map((path) => {
    const mount = mountOf(path, all)!;
    return { ...mount, path, root: join(mount.root, relative(mount.path, path)) };
  });
  for (const mount of all) {
    if (mount.path === '/' || folders.includes(mount.path)) continue;
    const written = scratch.includes(mount.type) && !mount.options.includes('ro');
    if (written || folders.some((folder) => contains(folder, mount.path))) writable.push(mount);
  }
  const others = secondPaths(writable, all);
  separate(call, [...folders, ...others], all);
  setAttributes(call, '/', { set: MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV, flags: AT_RECURSIVE });
  for (const { path, options } of writable) {
    const clear = options.includes('ro') ? 0 : MOUNT_ATTR_RDONLY;
    setAttributes(call, path, { set: MOUNT_ATTR_NOEXEC, clear: clear | devices(options) });
  }
  for (const path of others) setAttributes(call, path, { set: MOUNT_ATTR_NOEXEC });
  const mount = mountOf('/dev', all);
  if (mount?.path === '/') setAttributes(call, '/', { clear: devices(mount.options) });
}

/** What to clear so that a mount has devices, if it had them. */
function devices(options: readonly string[]): number {
  return options.includes('nodev') ? 0 : MOUNT_ATTR_NODEV;
}

/** Other paths to the files of these mounts: what is written here must not be executable there. */
function secondPaths(writable: readonly Mount[], all: readonly Mount[]): string[] {
  const paths = new Set<string>();
  for (const { device, root, path } of writable) {
    for (const mount of all) {
      if (mount.device !== device || writable.some((other) => other.path === mount.path)) continue;
      if (contains(root, mount.root)) paths.add(mount.path);
      if (!contains(mount.root, root)) continue;
      const second = join(mount.path, relative(mount.root, root));
      const seen = mountOf(second, [...all, ...writable]) === mount;
      if (second !== path && seen) paths.add(second);
    }
  }
  return [...paths];
}

/** Makes folders mounts of their own, with whatever is mounted in them. */
function separate(call: AddCall, folders: readonly string[], all: readonly Mount[]): void {
  for (const path of folders) {
    if (mountOf(path, all)?.path === path) continue;
    call('mount', `make ${path} a mount`, path, path, 0, MS_BIND | MS_REC, 0);
  }
}

interface Attributes {
  readonly set?: number;
  readonly clear?: number;
  readonly flags?: number;
}

/** Other attributes stay as they are: what a mount is denied, a user namespace may not give back. */
function setAttributes(call: AddCall, path: string, { set = 0, clear = 0, flags = 0 }: Attributes): void {
  // struct mount_attr { __u64 attr_set, attr_clr, propagation, userns_fd; }
  const attributes = { words: [set, clear, 0, 0] };
  call('mount_setattr', `remount ${path}`, AT_FDCWD, path, flags, attributes, 8 * attributes.words.length);
}
