/**
 * The C library, through koffi. This is the only file that knows koffi; the others of this room use the
 * functions that it declares.
 */
import { createRequire } from 'node:module';
import type Koffi from 'koffi';
import { hostMachine } from './host.js';

/** A C function as koffi makes it callable. 64-bit results are numbers when they are safe integers. */
type CFunction<Args extends readonly unknown[], Result> = (...args: Args) => Result;
type Int64 = number | bigint;

interface Libc {
  mmap: CFunction<[bigint, number, number, number, number, bigint], Int64>;
  munmap: CFunction<[bigint, number], number>;
  mprotect: CFunction<[bigint, number, number], number>;
  madvise: CFunction<[bigint, number, number], number>;
  msync: CFunction<[bigint, number, number], number>;
  getpagesize: CFunction<[], number>;
  getrlimit: CFunction<[number, bigint], number>;
  setrlimit: CFunction<[number, bigint], number>;
  prctl: CFunction<[number, number, number, number, number], number>;
  ioctl: CFunction<[number, number, bigint], number>;
  memfd_create: CFunction<[string, number], number>;
  fcntl: CFunction<[number, number, 'int', number], number>;
  close: CFunction<[number], number>;
  gettid: CFunction<[], number>;
  sched_getaffinity: CFunction<[number, number, bigint], number>;
  sched_setaffinity: CFunction<[number, number, bigint], number>;
  open: CFunction<[string, number, number], number>;
  read: CFunction<[number, bigint, number], Int64>;
  write: CFunction<[number, bigint, number], Int64>;
  pread: CFunction<[number, bigint, number, bigint], Int64>;
  pwrite: CFunction<[number, bigint, number, bigint], Int64>;
  ftruncate: CFunction<[number, bigint], number>;
  statx: CFunction<[number, string, number, number, bigint], number>;
  pipe2: CFunction<[bigint, number], number>;
  eventfd: CFunction<[number, number], number>;
  poll: CFunction<[bigint, number, number], number>;
  kill: CFunction<[number, number], number>;
  waitpid: CFunction<[number, bigint, number], number>;
  ptrace: CFunction<[number, number, bigint, bigint], Int64>;
  process_vm_readv: CFunction<[number, bigint, number, bigint, number, number], Int64>;
  process_vm_writev: CFunction<[number, bigint, number, bigint, number, number], Int64>;
  posix_spawn: CFunction<
    [bigint, string, bigint, bigint, readonly (string | null)[], readonly (string | null)[]],
    number
  >;
  posix_spawn_file_actions_init: CFunction<[bigint], number>;
  posix_spawn_file_actions_adddup2: CFunction<[bigint, number, number], number>;
  posix_spawn_file_actions_destroy: CFunction<[bigint], number>;
  sendmsg: CFunction<[number, bigint, number], Int64>;
  recvmsg: CFunction<[number, bigint, number], Int64>;
  _exit: CFunction<[number], void>;
  tgkill: CFunction<[number, number, number], number>;
  /** For system calls that C libraries of today have no function for; a type before each argument. */
  syscall: CFunction<[number, 'long', bigint, 'long', bigint, 'long', bigint, ...('long' | bigint)[]], Int64>;
  dlopen: CFunction<[string | null, number], Int64>;
  dlsym: CFunction<[bigint, string], Int64>;
  dlerror: CFunction<[], string | null>;
  memcpy: CFunction<[bigint, Uint8Array, number], Int64>;
  malloc: CFunction<[number], Int64>;
  free: CFunction<[bigint], void>;
  pthread_self: CFunction<[], Int64>;
  pthread_getattr_np: CFunction<[bigint, Uint8Array], number>;
  pthread_attr_getstack: CFunction<[Uint8Array, BigUint64Array, BigUint64Array], number>;
  pthread_attr_destroy: CFunction<[Uint8Array], number>;
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

let koffiModule: typeof Koffi | undefined;
let libcFunctions: Libc | undefined;

/** koffi, loaded at its first use, so that importing this package works on systems that koffi does not know. */
function koffi(): typeof Koffi {
  if (koffiModule === undefined) {
    hostMachine();
    koffiModule = createRequire(import.meta.url)('koffi') as typeof Koffi;
  }
  return koffiModule;
}

/** The functions, looked up at their first use. */
export function libc(): Libc {
  if (libcFunctions === undefined) {
    const globalSymbols = koffi().load(null);
    libcFunctions = Object.fromEntries(
      Object.entries(prototypes).map(([name, prototype]) => [name, globalSymbols.func(prototype)]),
    ) as unknown as Libc;
  }
  return libcFunctions;
}

/** `errno` of the last call on this thread. To be read before anything else is called. */
export function errno(): number {
  return koffi().errno();
}

/** A function at an address, callable. */
export function bindFunction(prototype: string, address: bigint): (...args: unknown[]) => unknown {
  const type = koffi().proto(prototype);
  return (...args) => koffi().call(address, type, ...args);
}

/** A C function without arguments that runs `run`. koffi leaves its own stack for that, if it is called there. */
export function callbackAddress(callback: () => void): bigint {
  const ffi = koffi();
  return ffi.address(ffi.register(callback, ffi.pointer(ffi.proto('void ()'))));
}

/** Memory at an address, without a copy. Touching it after it is unmapped kills the process. */
export function memoryAt(address: bigint, byteLength: number): ArrayBuffer {
  return koffi().view(address, byteLength);
}

/** The address of the first byte of a buffer or a view of one. */
export function addressOfBytes(bytes: ArrayBuffer | ArrayBufferView): bigint {
  return koffi().address(bytes);
}
