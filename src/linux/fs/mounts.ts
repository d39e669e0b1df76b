/** What is mounted where. @see proc_pid_mountinfo(5) */
import { readFileSync } from 'node:fs';

export interface Mount {
  readonly id: number;
  /** The mount on which this one stands. */
  readonly parentId: number;
  /** The file system, by the number of its device. */
  readonly device: string;
  /** The folder of the file system that is mounted. */
  readonly root: string;
  /** Where it is mounted. */
  readonly path: string;
  /** Options of this mount: `ro`, `noexec`, `nosuid`, … */
  readonly options: readonly string[];
  readonly type: string;
}

/** All mounts that a path of this process can lead to, in the order in which they were made. */
export function mounts(): Mount[] {
  return visibleMounts(parseMounts(readFileSync('/proc/self/mountinfo', 'utf8')));
}

/** The lines of `/proc/PID/mountinfo`. */
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

/** Those of a process's mounts that no later one covers: right on top, or over a folder above. */
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

/** The mount that a path lies on. */
export function mountOf(path: string, all: readonly Mount[] = mounts()): Mount | undefined {
  const ancestors = all.filter((mount) => containsPath(mount.path, path));
  const longestLength = Math.max(...ancestors.map((mount) => mount.path.length));
  return ancestors.findLast((mount) => mount.path.length === longestLength);
}

/** Whether a path is a folder's own, or leads into it. */
export function containsPath(directory: string, path: string): boolean {
  return directory === '/' || path === directory || path.startsWith(`${directory}/`);
}

/** The kernel writes space, tab, newline and backslash in octal. */
function octalUnescape(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
