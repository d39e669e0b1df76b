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
  prctl: Native<[number, number, number, number, number], number>;
  ioctl: Native<[number, number, 'uint64_t', bigint], number>;
  memfd_create: Native<[string, number], number>;
  fcntl: Native<[number, number, 'int', number], number>;
  close: Native<[number], number>;
  gettid: Native<[], number>;
  tgkill: Native<[number, number, number], number>;
  /** For system calls that C libraries of today have no function for; a type before each argument. */
  syscall: Native<[number, 'long', bigint, 'long', bigint, 'long', bigint, ...('long' | bigint)[]], Long>;
  dlopen: Native<[string | null, number], Long>;
  dlsym: Native<[bigint, string], Long>;
  dlerror: Native<[], string | null>;
  malloc: Native<[number], Long>;
  free: Native<[bigint], void>;
}

const prototypes: Readonly<Record<keyof Libc, string>> = {
  mmap: 'intptr_t mmap(uintptr_t, size_t, int, int, int, int64_t)',
  munmap: 'int munmap(uintptr_t, size_t)',
  mprotect: 'int mprotect(uintptr_t, size_t, int)',
  madvise: 'int madvise(uintptr_t, size_t, int)',
  msync: 'int msync(uintptr_t, size_t, int)',
  getpagesize: 'int getpagesize()',
  prctl: 'int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)',
  ioctl: 'int ioctl(int, unsigned long, ...)',
  memfd_create: 'int memfd_create(const char *, unsigned int)',
  fcntl: 'int fcntl(int, int, ...)',
  close: 'int close(int)',
  gettid: 'int gettid()',
  tgkill: 'int tgkill(int, int, int)',
  syscall: 'long syscall(long, ...)',
  dlopen: 'uintptr_t dlopen(const char *, int)',
  dlsym: 'uintptr_t dlsym(uintptr_t, const char *)',
  dlerror: 'const char *dlerror()',
  malloc: 'uintptr_t malloc(size_t)',
  free: 'void free(uintptr_t)',
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

/** Memory at an address, without a copy. Touching it after it is unmapped kills the process. */
export function memoryAt(address: bigint, byteLength: number): ArrayBuffer {
  return koffi().view(address, byteLength);
}

/** The address of the first byte of a buffer or a view of one. */
export function addressOfBytes(bytes: ArrayBuffer | ArrayBufferView): bigint {
  return koffi().address(bytes);
}
