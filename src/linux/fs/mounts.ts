/** The mount table. @see proc_pid_mountinfo(5) */
import { readFileSync } from 'node:fs';

export interface Mount {
  readonly id: number;
  /** The mount that this one is mounted on. */
  readonly parentId: number;
  /** Device number of the file system: `major:minor`. */
  readonly device: string;
  /** The folder within the file system that is mounted. */
  readonly root: string;
  /** The mount point. */
  readonly path: string;
  /** Options of this mount: `ro`, `noexec`, `nosuid`, … */
  readonly options: readonly string[];
  readonly type: string;
}

/** Returns all mounts that this process can reach by a path, oldest first. */
export function mounts(): Mount[] {
  return visibleMounts(parseMounts(readFileSync('/proc/self/mountinfo', 'utf8')));
}

/** Parses `/proc/PID/mountinfo`. */
export function parseMounts(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const [mountFields, filesystemFields] = line.split(' - ');
    const [id, parentId, device, root, path, options] = mountFields!.split(' ');
    if (filesystemFields === undefined || options === undefined) return [];
    return [
      {
        id: Number(id),
        parentId: Number(parentId),
        device: device!,
        root: octalUnescape(root!),
        path: octalUnescape(path!),
        options: options.split(','),
        type: filesystemFields.split(' ')[0]!,
      },
    ];
  });
}

/** Returns the mounts that no later mount covers, be it on the same mount point or on a folder above. */
export function visibleMounts(all: readonly Mount[]): Mount[] {
  const byId = new Map(all.map((mount) => [mount.id, mount]));
  const reachable = ({ parentId, path }: Mount): boolean => {
    const parentMount = byId.get(parentId);
    const covers = (other: Mount) =>
      other.parentId === parentId && other.path !== path && containsPath(other.path, path);
    return parentMount === undefined || (!all.some(covers) && reachable(parentMount));
  };
  const isCovered = ({ id, path }: Mount) =>
    all.some((other) => other.parentId === id && other.path === path);
  return all.filter((mount) => reachable(mount) && !isCovered(mount));
}

/** Returns the mount that contains a path. */
export function mountOf(path: string, all: readonly Mount[] = mounts()): Mount | undefined {
  const ancestors = all.filter((mount) => containsPath(mount.path, path));
  const longestLength = Math.max(...ancestors.map((mount) => mount.path.length));
  return ancestors.findLast((mount) => mount.path.length === longestLength);
}

/** Whether a path is the folder itself, or is inside it. */
export function containsPath(directory: string, path: string): boolean {
  return directory === '/' || path === directory || path.startsWith(`${directory}/`);
}

/** Decodes octal escapes, which the kernel writes for space, tab, newline and backslash. */
function octalUnescape(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
