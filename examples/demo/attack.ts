/** Tries to change the page of a trampoline's code by every way that a program has. */
import { closeSync, ftruncateSync, openSync, readdirSync, readlinkSync, writeSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import koffi from 'koffi';
import { createTrampoline, disassemble, symbolAddress } from 'trampfd';
import { mappingsAround, rangeOf } from './show.js';

const self = koffi.load(null);
const libc = {
  mprotect: self.func('int mprotect(uintptr_t address, size_t length, int protection)'),
  mremap: self.func('intptr_t mremap(uintptr_t address, size_t old, size_t length, int flags)'),
  mmap: self.func('intptr_t mmap(uintptr_t, size_t, int, int, int, int64_t)'),
  munmap: self.func('int munmap(uintptr_t address, size_t length)'),
};

const READ = 1;
const WRITE = 2;
const EXECUTE = 4;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MREMAP_MAYMOVE = 1;

export function attack(): void {
  const trampoline = createTrampoline({ name: 'target', registers: { pc: symbolAddress('getpid') } });
  const { address } = trampoline;
  const [line] = mappingsAround(address);
  const [start, end] = rangeOf(line!);
  const before = disassemble(address);
  console.log(`  ${line}\n`);

  attackMapping(start, Number(end - start));
  report('write through /proc/self/mem', () => writeMemory(address));
  const path = pathOfCode();
  if (path === undefined) console.log('  The file is not a memfd of this process.');
  else attackFile(path, Number(end - start));
  if (disassemble(address) !== before) throw new Error('the code has changed');
  console.log('\n  The code is as it was.');
}

function attackMapping(start: bigint, length: number): void {
  const anonymous = MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS;
  report('mprotect(read, write)', () => libc.mprotect(start, length, READ | WRITE));
  report('mprotect(read, write, execute)', () => libc.mprotect(start, length, READ | WRITE | EXECUTE));
  report('mremap to twice the size', () => libc.mremap(start, length, 2 * length, MREMAP_MAYMOVE));
  report('mmap of other memory over it', () => libc.mmap(start, length, READ, anonymous, -1, 0));
  report('munmap', () => libc.munmap(start, length));
}

function attackFile(path: string, length: number): void {
  const fd = openSync(path, 'r+');
  report('mmap of the file, writable', () => libc.mmap(0, length, READ | WRITE, MAP_SHARED, fd, 0));
  report('write to the file', () => writeSync(fd, 'x'));
  report('truncate the file', () => ftruncateSync(fd, 0));
  closeSync(fd);
}

/** Prints the result of an attack: Node throws, C returns -1. */
function report(route: string, attempt: () => unknown): void {
  let refused: string | undefined;
  try {
    if (attempt() === -1) refused = getSystemErrorName(-koffi.errno());
  } catch (error) {
    refused = (error as NodeJS.ErrnoException).code;
  }
  console.log(`  ${route.padEnd(34)} ${refused ?? 'WORKED'}`);
}

function writeMemory(address: bigint): void {
  const memory = openSync('/proc/self/mem', 'r+');
  try {
    // Node's types lack bigint positions for writing. Addresses of user space are below 2^53.
    writeSync(memory, Buffer.of(0xc3), 0, 1, Number(address));
  } finally {
    closeSync(memory);
  }
}

/** Returns the path of the memfd that the code was mapped from. */
function pathOfCode(): string | undefined {
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`).startsWith('/memfd:trampfd (')) return `/proc/self/fd/${fd}`;
    } catch {
      // The fd of the folder itself, which is closed by now.
    }
  }
  return undefined;
}
