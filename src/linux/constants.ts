/** Constants of the kernel's headers that several files use. */

// <fcntl.h>
export const O_WRONLY = 1;
export const O_RDWR = 2;
export const O_CLOEXEC = 0o2000000;
export const AT_FDCWD = -100;

// <linux/mount.h>
export const MS_REC = 16384;

// <linux/sched.h>
export const CLONE_NEWUSER = 0x10000000;

// <signal.h>
export const SIG_SETMASK = 2;

// <sys/resource.h>
export const RLIM_INFINITY = 0xffffffffffffffffn;
