/** Tries to change the page that holds a trampoline's code, by every route that a program has. */
import { closeSync, ftruncateSync, openSync, readdirSync, readlinkSync, writeSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import koffi from 'koffi';
import { createTrampoline, disassemble, symbolAddress } from 'trampfd';
import { mappingsAround, rangeOf } from './show.js';

const libc = koffi.load(null);
const mprotect = libc.func('int mprotect(uintptr_t address, size_t length, int protection)');
const mremap = libc.func('intptr_t mremap(uintptr_t address, size_t old, size_t length, int flags)');
const mmap = libc.func('intptr_t mmap(uintptr_t, size_t, int, int, int, int64_t)');
const munmap = libc.func('int munmap(uintptr_t address, size_t length)');

const [READ, WRITE, EXECUTE] = [1, 2, 4];
const [MAP_SHARED, MAP_PRIVATE, MAP_FIXED, MAP_ANONYMOUS] = [1, 2, 0x10, 0x20];

export function attack(): void {
  const trampoline = createTrampoline({ name: 'target', registers: { pc: symbolAddress('getpid') } });
  const [line] = mappingsAround(trampoline.address);
  const [start, end] = rangeOf(line!);
  const length = Number(end - start);
  const before = disassemble(trampoline.address);
  const fd = openSync(pathOfCode(), 'r+');
  console.log(`  ${line}\n`);

  const native: [string, () => number][] = [
    ['mprotect(read, write)', () => mprotect(start, length, READ! | WRITE!)],
    ['mprotect(read, write, execute)', () => mprotect(start, length, READ! | WRITE! | EXECUTE!)],
    ['mremap to twice the size', () => mremap(start, length, 2 * length, 1)],
    [
      'mmap of other memory over it',
      () => mmap(start, length, READ!, MAP_PRIVATE! | MAP_FIXED! | MAP_ANONYMOUS!, -1, 0),
    ],
    ['munmap', () => munmap(start, length)],
    ['mmap of the file, writable', () => mmap(0, length, READ! | WRITE!, MAP_SHARED!, fd, 0)],
  ];
  for (const [route, attempt] of native) {
    const result = attempt();
    report(route, result === -1 ? getSystemErrorName(-koffi.errno()) : undefined);
  }
  const files: [string, () => void][] = [
    ['write through /proc/self/mem', () => writeMemory(trampoline.address)],
    ['write to the file', () => writeSync(fd, 'x')],
    ['truncate the file', () => ftruncateSync(fd, 0)],
  ];
  for (const [route, attempt] of files) {
    try {
      attempt();
      report(route, undefined);
    } catch (error) {
      report(route, (error as NodeJS.ErrnoException).code);
    }
  }
  closeSync(fd);
  if (disassemble(trampoline.address) !== before) throw new Error('the code has changed');
  console.log('\n  The code is as it was.');
}

function report(route: string, refused: string | undefined): void {
  console.log(`  ${route.padEnd(34)} ${refused ?? 'WORKED'}`);
}

function writeMemory(address: bigint): void {
  const memory = openSync('/proc/self/mem', 'r+');
  try {
    // Node's types know no position beyond 2^53 for writing; addresses stay below.
    writeSync(memory, Buffer.of(0xc3), 0, 1, Number(address));
  } finally {
    closeSync(memory);
  }
}

/** The file that code was mapped from, opened again by way of the descriptor that we hold. */
function pathOfCode(): string {
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`).startsWith('/memfd:trampfd (')) return `/proc/self/fd/${fd}`;
    } catch {
      // The descriptor by which the folder was read.
    }
  }
  throw new Error('no descriptor of a code page');
}
