/** C library functions. */
import { bindCFunction, type CFunction, lookUp } from './c-function.js';
import type { CFunctions } from './c-function-types.js';

export { errno } from './c-function.js';

/** Prototypes; the TypeScript types of the functions are derived from them. */
const prototypes = {
  mmap: 'intptr_t mmap(uintptr_t, size_t, int, int, int, int64_t)',
  munmap: 'int munmap(uintptr_t, size_t)',
  mprotect: 'int mprotect(uintptr_t, size_t, int)',
  madvise: 'int madvise(uintptr_t, size_t, int)',
  msync: 'int msync(uintptr_t, size_t, int)',
  getpagesize: 'int getpagesize()',
  getrlimit: 'int getrlimit64(int, uintptr_t)',
  setrlimit: 'int setrlimit64(int, uintptr_t)',
  prctl: 'int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)',
  // Variadic in C. The ABIs of x86-64 and arm64 pass a variadic pointer like any other argument.
  ioctl: 'int ioctl(int, unsigned long, uintptr_t)',
  memfd_create: 'int memfd_create(const char *, unsigned int)',
  fcntl: 'int fcntl(int, int, ...)',
  close: 'int close(int)',
  gettid: 'int gettid()',
  sched_getaffinity: 'int sched_getaffinity(int, size_t, uintptr_t)',
  sched_setaffinity: 'int sched_setaffinity(int, size_t, uintptr_t)',
  open: 'int open(const char *, int, int)',
  read: 'intptr_t read(int, uintptr_t, size_t)',
  write: 'intptr_t write(int, uintptr_t, size_t)',
  pread: 'intptr_t pread64(int, uintptr_t, size_t, int64_t)',
  pwrite: 'intptr_t pwrite64(int, uintptr_t, size_t, int64_t)',
  ftruncate: 'int ftruncate64(int, int64_t)',
  statx: 'int statx(int, const char *, int, unsigned int, uintptr_t)',
  pipe2: 'int pipe2(uintptr_t, int)',
  eventfd: 'int eventfd(unsigned int, int)',
  poll: 'int poll(uintptr_t, unsigned long, int)',
  kill: 'int kill(int, int)',
  waitpid: 'int waitpid(int, uintptr_t, int)',
  ptrace: 'long ptrace(long, long, uintptr_t, uintptr_t)',
  process_vm_readv:
    'intptr_t process_vm_readv(int, uintptr_t, unsigned long, uintptr_t, unsigned long, unsigned long)',
  process_vm_writev:
    'intptr_t process_vm_writev(int, uintptr_t, unsigned long, uintptr_t, unsigned long, unsigned long)',
  posix_spawn: 'int posix_spawn(uintptr_t, const char *, uintptr_t, uintptr_t, const char **, const char **)',
  posix_spawn_file_actions_init: 'int posix_spawn_file_actions_init(uintptr_t)',
  posix_spawn_file_actions_adddup2: 'int posix_spawn_file_actions_adddup2(uintptr_t, int, int)',
  posix_spawn_file_actions_destroy: 'int posix_spawn_file_actions_destroy(uintptr_t)',
  sendmsg: 'intptr_t sendmsg(int, uintptr_t, int)',
  recvmsg: 'intptr_t recvmsg(int, uintptr_t, int)',
  _exit: 'void _exit(int)',
  tgkill: 'int tgkill(int, int, int)',
  // For system calls without a C library function.
  syscall: 'long syscall(long, ...)',
  dlopen: 'uintptr_t dlopen(const char *, int)',
  dlerror: 'const char *dlerror()',
  memcpy: 'uintptr_t memcpy(uintptr_t, const void *, size_t)',
  malloc: 'uintptr_t malloc(size_t)',
  free: 'void free(uintptr_t)',
  pthread_self: 'uintptr_t pthread_self()',
  pthread_getattr_np: 'int pthread_getattr_np(uintptr_t, void *)',
  pthread_attr_getstack: 'int pthread_attr_getstack(void *, void *, void *)',
  pthread_attr_destroy: 'int pthread_attr_destroy(void *)',
} as const;

type Libc = CFunctions<typeof prototypes>;

let libcFunctions: Libc | undefined;

/** Returns the functions. Each is looked up at its first call. */
export function libc(): Libc {
  libcFunctions ??= Object.fromEntries(
    Object.entries(prototypes).map(([name, prototype]) => [name, lazyFunction(prototype)]),
  ) as unknown as Libc;
  return libcFunctions;
}

function lazyFunction(prototype: string): CFunction {
  let bound: CFunction | undefined;
  return (...args) => {
    bound ??= bindCFunction(prototype, lookUp(0n, /(\w+)\(/.exec(prototype)![1]!));
    return bound(...args);
  };
}
