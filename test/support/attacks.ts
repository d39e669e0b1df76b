/** Attempts to change protected memory or files, with the errors that the kernel must return. */
import assert from 'node:assert/strict';
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { addressOf } from '#src/index.js';
import type { Mapping } from '#src/linux/process/proc-maps.js';
import { libc, outcome } from './libc.js';
import { emulated } from './needs.js';

const [PROT_READ, PROT_WRITE, PROT_EXEC] = [1, 2, 4];
const [MAP_SHARED, MAP_PRIVATE, MAP_FIXED, MAP_ANONYMOUS] = [1, 2, 0x10, 0x20];
const MREMAP_MAYMOVE = 1;
const MADV_REMOVE = 9;
const [FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE] = [1, 2];
const F_ADD_SEALS = 1033;

/** Attempts with their expected errors. Sealed mappings yield EPERM for some, on some kernels before other errors. */
type Attacks = Readonly<Record<string, readonly [run: () => unknown, ...expected: string[]]>>;

export function expectRefused(attacks: Attacks): void {
  const answers = Object.entries(attacks).map(([name, [run, ...expected]]) => {
    const answer = outcome(run);
    return { name, answer: expected.includes(answer) ? 'as expected' : answer, expected };
  });
  assert.deepEqual(
    answers.filter(({ answer }) => answer !== 'as expected'),
    [],
  );
}

export const lengthOf = ({ start, end }: Mapping): number => Number(end - start);

/** Writes to a mapping that do not need its write permission. */
export function writes(mapping: Mapping): Attacks {
  const { start } = mapping;
  const bytes = new Uint8Array(8);
  const writeMem = (): void => {
    const fd = openSync('/proc/self/mem', 'r+');
    try {
      // Node ignores a position that is a bigint. Addresses of user space are safe integers.
      writeSync(fd, bytes, 0, bytes.length, Number(start));
    } finally {
      closeSync(fd);
    }
  };
  const local = BigUint64Array.of(addressOf(bytes), 8n);
  const remote = BigUint64Array.of(start, 8n);
  /** Calls that an emulator does not pass to the kernel. */
  const kernelOnly: Attacks = {
    process_vm_writev: [
      () => libc.process_vm_writev(process.pid, addressOf(local), 1, addressOf(remote), 1, 0),
      'EFAULT',
    ],
    'madvise REMOVE': [() => libc.madvise(start, lengthOf(mapping), MADV_REMOVE), 'EACCES', 'EPERM'],
  };
  return {
    'mprotect +W': [() => libc.mprotect(start, lengthOf(mapping), PROT_READ | PROT_WRITE), 'EACCES', 'EPERM'],
    'mprotect +W+X': [() => libc.mprotect(start, lengthOf(mapping), 7), 'EACCES', 'EPERM'],
    '/proc/self/mem': [writeMem, 'EIO'],
    ...(emulated ? {} : kernelOnly),
  };
}

/** Changes to a sealed file through a path of it. */
export function fileAttacks(path: string, length: number): Attacks {
  const using = (run: (fd: number) => unknown) => () => {
    const fd = openSync(path, 'r+');
    try {
      return run(fd);
    } finally {
      closeSync(fd);
    }
  };
  const map = (prot: number) => using((fd) => libc.mmap(0n, length, prot, MAP_SHARED, fd, 0n));
  const upgrade = using((fd) => {
    const view = libc.mmap(0n, length, PROT_READ, MAP_SHARED, fd, 0n);
    try {
      return libc.mprotect(view, length, PROT_READ | PROT_WRITE);
    } finally {
      libc.munmap(view, length);
    }
  });
  const punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  return {
    [`${path}: write`]: [using((fd) => writeSync(fd, new Uint8Array(8))), 'EPERM'],
    [`${path}: pwrite`]: [using((fd) => writeSync(fd, new Uint8Array(8), 0, 8, 16)), 'EPERM'],
    [`${path}: shrink`]: [using((fd) => ftruncateSync(fd, 0)), 'EPERM'],
    [`${path}: grow`]: [using((fd) => ftruncateSync(fd, 2 * length)), 'EPERM'],
    [`${path}: punch a hole`]: [using((fd) => libc.fallocate(fd, punch, 0n, BigInt(length))), 'EPERM'],
    [`${path}: mmap +W`]: [map(PROT_READ | PROT_WRITE), 'EPERM'],
    [`${path}: mmap +W+X`]: [map(PROT_READ | PROT_WRITE | PROT_EXEC), 'EPERM', 'EACCES'],
    [`${path}: mmap, then mprotect +W`]: [upgrade, 'EACCES'],
    [`${path}: add a seal`]: [using((fd) => libc.fcntl(fd, F_ADD_SEALS, 'int', 1)), 'EPERM'],
    [`${path}: add all seals`]: [using((fd) => libc.fcntl(fd, F_ADD_SEALS, 'int', 0x1f)), 'EPERM'],
  };
}

/** Replacements of a mapping by another. Only `mseal` forbids these. */
export function replacements(mapping: Mapping): Attacks {
  const { start } = mapping;
  const length = lengthOf(mapping);
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  return {
    munmap: [() => libc.munmap(start, length), 'EPERM'],
    'mmap FIXED': [() => libc.mmap(start, length, PROT_READ | PROT_WRITE, flags, -1, 0n), 'EPERM'],
    mremap: [() => libc.mremap(start, length, 2 * length, MREMAP_MAYMOVE), 'EPERM'],
    'mremap, less': [() => libc.mremap(start, length, length / 2, 0), 'EPERM', 'EINVAL'],
    'mprotect NONE': [() => libc.mprotect(start, length, 0), 'EPERM'],
  };
}

export const mapFile = ({ start, end }: Mapping): string =>
  `/proc/self/map_files/${start.toString(16)}-${end.toString(16)}`;
