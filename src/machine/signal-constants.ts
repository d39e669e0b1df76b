/** Constants of signals that are the same on all our architectures. A test compares them with C. */

/** Offsets in `siginfo_t`, in bytes: <asm-generic/siginfo.h>. */
export const SIGINFO = { code: 8, address: 16 } as const;

// <asm-generic/signal.h>, and x86's own header with the same numbers.
export const SIGSEGV = 11;
export const SIG_BLOCK = 0;

/** Bytes of the kernel's `sigset_t`. */
export const signalSetSize = 8;
