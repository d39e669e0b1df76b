import type { SystemCallName } from './linux-abi.js';

/** Since number 424, system calls have the same number on every architecture. */
export const unifiedSystemCalls = {
  io_uring_setup: 425,
  open_tree: 428,
  move_mount: 429,
  fsopen: 430,
  fsconfig: 431,
  fsmount: 432,
  fspick: 433,
  pidfd_open: 434,
  clone3: 435,
  pidfd_getfd: 438,
  process_madvise: 440,
  mount_setattr: 442,
  memfd_secret: 447,
  open_tree_attr: 467,
} as const satisfies Partial<Record<SystemCallName, number>>;
