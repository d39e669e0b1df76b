/**
 * The C library, through koffi. This is the only file that knows koffi; the others of this room use the
 * functions that it declares.
 */
import { createRequire } from 'node:module';
import type Koffi from 'koffi';
import { thisMachine } from './host.js';

/** A C function as koffi makes it callable. 64-bit results are numbers when they are safe integers. */
type Native<Args extends readonly unknown[], Result> = (...args: Args) => Result;
type Long = number | bigint;

interface Libc {
  mmap: Native<[bigint, number, number, number, number, bigint], Long>;
  munmap: Native<[bigint, number], number>;
  mprotect: Native<[bigint, number, number], number>;
  madvise: Native<[bigint, number, number], number>;
  msync: Native<[bigint, number, number], number>;
  getpagesize: Native<[], number>;
  getrlimit: Native<[number, bigint], number>;
  setrlimit: Native<[number, bigint], number>;
  prctl: Native<[number, number, number, number, number], number>;
  ioctl: Native<[number, number, bigint], number>;
  memfd_create: Native<[string, number], number>;
  fcntl: Native<[number, number, 'int', number], number>;
  close: Native<[number], number>;
  gettid: Native<[], number>;
  sched_getaffinity: Native<[number, number, bigint], number>;
  sched_setaffinity: Native<[number, number, bigint], number>;
  open: Native<[string, number, number], number>;
  read: Native<[number, bigint, number], Long>;
  write: Native<[number, bigint, number], Long>;
  pread: Native<[number, bigint, number, bigint], Long>;
  pwrite: Native<[number, bigint, number, bigint], Long>;
  ftruncate: Native<[number, bigint], number>;
  statx: Native<[number, string, number, number, bigint], number>;
  pipe2: Native<[bigint, number], number>;
  eventfd: Native<[number, number], number>;
  poll: Native<[bigint, number, number], number>;
  kill: Native<[number, number], number>;
  waitpid: Native<[number, bigint, number], number>;
  ptrace: Native<[number, number, bigint, bigint], Long>;
  process_vm_readv: Native<[number, bigint, number, bigint, number, number], Long>;
  process_vm_writev: Native<[number, bigint, number, bigint, number, number], Long>;
  posix_spawn: Native<
    [bigint, string, bigint, bigint, readonly (string | null)[], readonly (string | null)[]],
    number
  >;
  posix_spawn_file_actions_init: Native<[bigint], number>;
  posix_spawn_file_actions_adddup2: Native<[bigint, number, number], number>;
  posix_spawn_file_actions_destroy: Native<[bigint], number>;
  sendmsg: Native<[number, bigint, number], Long>;
  recvmsg: Native<[number, bigint, number], Long>;
  _exit: Native<[number], void>;
  tgkill: Native<[number, number, number], number>;
  /** For system calls that C libraries of today have no function for; a type before each argument. */
  syscall: Native<[number, 'long', bigint, 'long', bigint, 'long', bigint, ...('long' | bigint)[]], Long>;
  dlopen: Native<[string | null, number], Long>;
  dlsym: Native<[bigint, string], Long>;
  dlerror: Native<[], string | null>;
  memcpy: Native<[bigint, Uint8Array, number], Long>;
  malloc: Native<[number], Long>;
  free: Native<[bigint], void>;
  pthread_self: Native<[], Long>;
  pthread_getattr_np: Native<[bigint, Uint8Array], number>;
  pthread_attr_getstack: Native<[Uint8Array, BigUint64Array, BigUint64Array], number>;
  pthread_attr_destroy: Native<[Uint8Array], number>;
}

const prototypes: Readonly<Record<keyof Libc, string>> = {
  mmap: 'intptr_t mmap(uintptr_t, size_t, int, int, int, int64_t)',
  munmap: 'int munmap(uintptr_t, size_t)',
  mprotect: 'int mprotect(uintptr_t, size_t, int)',
  madvise: 'int madvise(uintptr_t, size_t, int)',
  msync: 'int msync(uintptr_t, size_t, int)',
  getpagesize: 'int getpagesize()',
  getrlimit: 'int getrlimit64(int, uintptr_t)',
  setrlimit: 'int setrlimit64(int, uintptr_t)',
  prctl: 'int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)',
  // Variadic in C; a pointer is passed like any other argument by the ABIs that we know.
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
  process_vm_readv: `intptr_t process_vm_readv(int, uintptr_t, unsigned long, uintptr_t, unsigned long,
    unsigned long)`,
  process_vm_writev: `intptr_t process_vm_writev(int, uintptr_t, unsigned long, uintptr_t, unsigned long,
    unsigned long)`,
  posix_spawn: `int posix_spawn(uintptr_t, const char *, uintptr_t, uintptr_t, const char **,
    const char **)`,
  posix_spawn_file_actions_init: 'int posix_spawn_file_actions_init(uintptr_t)',
  posix_spawn_file_actions_adddup2: 'int posix_spawn_file_actions_adddup2(uintptr_t, int, int)',
  posix_spawn_file_actions_destroy: 'int posix_spawn_file_actions_destroy(uintptr_t)',
  sendmsg: 'intptr_t sendmsg(int, uintptr_t, int)',
  recvmsg: 'intptr_t recvmsg(int, uintptr_t, int)',
  _exit: 'void _exit(int)',
  tgkill: 'int tgkill(int, int, int)',
  syscall: 'long syscall(long, ...)',
  dlopen: 'uintptr_t dlopen(const char *, int)',
  dlsym: 'uintptr_t dlsym(uintptr_t, const char *)',
  dlerror: 'const char *dlerror()',
  memcpy: 'uintptr_t memcpy(uintptr_t, const void *, size_t)',
  malloc: 'uintptr_t malloc(size_t)',
  free: 'void free(uintptr_t)',
  pthread_self: 'uintptr_t pthread_self()',
  pthread_getattr_np: 'int pthread_getattr_np(uintptr_t, void *)',
  pthread_attr_getstack: 'int pthread_attr_getstack(void *, void *, void *)',
  pthread_attr_destroy: 'int pthread_attr_destroy(void *)',
};

let library: typeof Koffi | undefined;
let functions: Libc | undefined;

/** koffi, loaded at its first use, so that importing this package works on systems that koffi does not know. */
function koffi(): typeof Koffi {
  if (library === undefined) {
    thisMachine();
    library = createRequire(import.meta.url)('koffi') as typeof Koffi;
  }
  return library;
}

/** The functions, looked up at their first use. */
export function libc(): Libc {
  if (functions === undefined) {
    const self = koffi().load(null);
    functions = Object.fromEntries(
      Object.entries(prototypes).map(([name, prototype]) => [name, self.func(prototype)]),
    ) as unknown as Libc;
  }
  return functions;
}

/** `errno` of the last call on this thread. To be read before anything else is called. */
export function errno(): number {
  return koffi().errno();
}

/** A function at an address, callable. */
export function nativeCall(prototype: string, address: bigint): (...args: unknown[]) => unknown {
  const type = koffi().proto(prototype);
  return (...args) => koffi().call(address, type, ...args);
}

/** A C function without arguments that runs `run`. koffi leaves its own stack for that, if it is called there. */
export function callbackAddress(run: () => void): bigint {
  const ffi = koffi();
  return ffi.address(ffi.register(run, ffi.pointer(ffi.proto('void ()'))));
}

/** Memory at an address, without a copy. Touching it after it is unmapped kills the process. */
export function memoryAt(address: bigint, byteLength: number): ArrayBuffer {
  return koffi().view(address, byteLength);
}

/** The address of the first byte of a buffer or a view of one. */
export function addressOfBytes(bytes: ArrayBuffer | ArrayBufferView): bigint {
  return koffi().address(bytes);
}
