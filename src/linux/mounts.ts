/** What is mounted where. @see proc_pid_mountinfo(5) */
import { readFileSync } from 'node:fs';

export interface Mount {
  /** Where it is mounted. */
  readonly path: string;
  /** Options of this mount: `ro`, `noexec`, `nosuid`, … */
  readonly options: readonly string[];
  readonly type: string;
}

/** All mounts that this process sees, in the order in which they were made; later ones hide earlier ones. */
export function mounts(): Mount[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [before, after] = line.split(' - ');
      const fields = before!.split(' ');
      if (after === undefined || fields.length < 6) return [];
      return [
        { path: octalUnescape(fields[4]!), options: fields[5]!.split(','), type: after.split(' ')[0]! },
      ];
    });
}

/** The mount that a path lies on. */
export function mountOf(path: string, all: readonly Mount[] = mounts()): Mount | undefined {
  const above = all.filter(
    (mount) => mount.path === '/' || path === mount.path || path.startsWith(`${mount.path}/`),
  );
  const longest = Math.max(...above.map((mount) => mount.path.length));
  return above.findLast((mount) => mount.path.length === longest);
}

/** The kernel writes space, tab, newline and backslash in octal. */
function octalUnescape(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
