/** What is mounted where. @see proc_pid_mountinfo(5) */
import { readFileSync } from 'node:fs';

export interface Mount {
  readonly id: number;
  /** The mount on which this one stands. */
  readonly parent: number;
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
  return visible(parseMounts(readFileSync('/proc/self/mountinfo', 'utf8')));
}

/** The lines of `/proc/PID/mountinfo`. */
export function parseMounts(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const [before, after] = line.split(' - ');
    const [id, parent, device, root, path, options] = before!.split(' ');
    if (after === undefined || options === undefined) return [];
    return [
      {
        id: Number(id),
        parent: Number(parent),
        device: device!,
        root: octalUnescape(root!),
        path: octalUnescape(path!),
        options: options.split(','),
        type: after.split(' ')[0]!,
      },
    ];
  });
}

/** Those of a process's mounts that no later one covers: right on top, or over a folder above. */
export function visible(all: readonly Mount[]): Mount[] {
  const byId = new Map(all.map((mount) => [mount.id, mount]));
  const reachable = ({ parent, path }: Mount): boolean => {
    const under = byId.get(parent);
    const covers = (other: Mount) =>
      other.parent === parent && other.path !== path && contains(other.path, path);
    return under === undefined || (!all.some(covers) && reachable(under));
  };
  const onTop = ({ id, path }: Mount) => all.some((other) => other.parent === id && other.path === path);
  return all.filter((mount) => reachable(mount) && !onTop(mount));
}

/** The mount that a path lies on. */
export function mountOf(path: string, all: readonly Mount[] = mounts()): Mount | undefined {
  const above = all.filter((mount) => contains(mount.path, path));
  const longest = Math.max(...above.map((mount) => mount.path.length));
  return above.findLast((mount) => mount.path.length === longest);
}

/** Whether a path is a folder's own, or leads into it. */
export function contains(folder: string, path: string): boolean {
  return folder === '/' || path === folder || path.startsWith(`${folder}/`);
}

/** The kernel writes space, tab, newline and backslash in octal. */
function octalUnescape(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
