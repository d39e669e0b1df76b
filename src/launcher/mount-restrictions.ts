/** Remounts for a restricted program, as system calls for the launcher. They need a mount namespace of its own. */
import { existsSync, realpathSync } from 'node:fs';
import { join, relative } from 'node:path';
import { AT_FDCWD, MS_REC } from '../linux/constants.js';
import { containsPath, type Mount, mountOf, mounts } from '../linux/fs/mounts.js';
import type { PushSyscall } from './syscall-script.js';

// <linux/mount.h>, <fcntl.h>
const MS_BIND = 4096;
const MOUNT_ATTR_RDONLY = 1;
const MOUNT_ATTR_NODEV = 4;
const MOUNT_ATTR_NOEXEC = 8;
const AT_RECURSIVE = 0x8000;

/** Kernel file systems to which programs write. They contain no programs, unless mounted at the root. */
const kernelFilesystems = ['tmpfs', 'ramfs', 'devtmpfs', 'devpts', 'mqueue', 'hugetlbfs'];

/** Returns the folders for temporary files that exist, by their real paths, without duplicates. */
export function temporaryDirectories(): string[] {
  const directories = ['/tmp', '/var/tmp', '/dev/shm'].filter((path) => existsSync(path));
  return [...new Set(directories.map((path) => realpathSync(path)))];
}

/** Makes folders noexec, and the mounts below them. */
export function remountNoexec(pushSyscall: PushSyscall, directories: readonly string[]): void {
  bindToSelf(pushSyscall, directories, mounts());
  for (const path of directories)
    setMountAttributes(pushSyscall, path, { set: MOUNT_ATTR_NOEXEC, flags: AT_RECURSIVE });
}

/**
 * Makes every mount read-only and nodev (a shared mapping of `/dev/zero` is memory). Then mounts that must remain
 * writable get their flags back, and become noexec: temporary folders, and kernel file systems without programs.
 */
export function remountReadOnly(pushSyscall: PushSyscall): void {
  const all = mounts();
  const directories = temporaryDirectories();
  const writable: Mount[] = directories.map((path) => {
    const mount = mountOf(path, all)!;
    return { ...mount, path, root: join(mount.root, relative(mount.path, path)) };
  });
  for (const mount of all) {
    if (mount.path === '/' || directories.includes(mount.path)) continue;
    const isWritable = kernelFilesystems.includes(mount.type) && !mount.options.includes('ro');
    if (isWritable || directories.some((directory) => containsPath(directory, mount.path)))
      writable.push(mount);
  }
  const aliases = aliasPaths(writable, all);
  bindToSelf(pushSyscall, [...directories, ...aliases], all);
  setMountAttributes(pushSyscall, '/', { set: MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV, flags: AT_RECURSIVE });
  for (const { path, options } of writable) {
    const clear = options.includes('ro') ? 0 : MOUNT_ATTR_RDONLY;
    setMountAttributes(pushSyscall, path, { set: MOUNT_ATTR_NOEXEC, clear: clear | nodevFlag(options) });
  }
  for (const path of aliases) setMountAttributes(pushSyscall, path, { set: MOUNT_ATTR_NOEXEC });
  const devMount = mountOf('/dev', all);
  if (devMount?.path === '/') setMountAttributes(pushSyscall, '/', { clear: nodevFlag(devMount.options) });
}

/** Returns the attribute to clear so that a mount permits devices, if it did before. */
function nodevFlag(options: readonly string[]): number {
  return options.includes('nodev') ? 0 : MOUNT_ATTR_NODEV;
}

/** Returns other paths to the files of these mounts: a file written here must not be executable there. */
function aliasPaths(writable: readonly Mount[], all: readonly Mount[]): string[] {
  const paths = new Set<string>();
  for (const { device, root, path } of writable) {
    for (const mount of all) {
      if (mount.device !== device || writable.some((other) => other.path === mount.path)) continue;
      if (containsPath(root, mount.root)) paths.add(mount.path);
      if (!containsPath(mount.root, root)) continue;
      const alias = join(mount.path, relative(mount.root, root));
      const isReachable = mountOf(alias, [...all, ...writable]) === mount;
      if (alias !== path && isReachable) paths.add(alias);
    }
  }
  return [...paths];
}

/** Bind-mounts folders to themselves, with the mounts below them, unless they are mount points already. */
function bindToSelf(pushSyscall: PushSyscall, directories: readonly string[], all: readonly Mount[]): void {
  for (const path of directories) {
    if (mountOf(path, all)?.path === path) continue;
    pushSyscall('mount', `make ${path} a mount`, path, path, 0, MS_BIND | MS_REC, 0);
  }
}

interface MountAttributes {
  readonly set?: number;
  readonly clear?: number;
  readonly flags?: number;
}

/** Changes only these attributes: a user namespace may not clear the locked ones. */
function setMountAttributes(
  pushSyscall: PushSyscall,
  path: string,
  { set = 0, clear = 0, flags = 0 }: MountAttributes,
): void {
  // struct mount_attr { __u64 attr_set, attr_clr, propagation, userns_fd; }
  const mountAttr = { words: [set, clear, 0, 0] };
  pushSyscall(
    'mount_setattr',
    `remount ${path}`,
    AT_FDCWD,
    path,
    flags,
    mountAttr,
    8 * mountAttr.words.length,
  );
}
