/** System calls that concern only the calling process or thread. */
import { libc } from '../../native/libc.js';

// <linux/prctl.h>
const PR_SET_DUMPABLE = 4;
const PR_SET_CHILD_SUBREAPER = 36;

/** Sets whether processes of the same user may access and trace this process. @see PR_SET_DUMPABLE(2const) */
export function setDumpable(dumpable: boolean): void {
  libc().prctl(PR_SET_DUMPABLE, dumpable ? 1 : 0, 0, 0, 0);
}

/** Makes this process the parent of orphaned descendants. @see PR_SET_CHILD_SUBREAPER(2const) */
export function setChildSubreaper(): void {
  libc().prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

/** `void _exit(int status)`: ends the process without exit handlers, even if threads are blocked. @see _exit(2) */
export function _exit(status: number): void {
  libc()._exit(status);
}

/** `pid_t gettid(void)`. @see gettid(2) */
export function gettid(): number {
  return libc().gettid();
}
