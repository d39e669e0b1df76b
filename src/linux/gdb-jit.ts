/**
 * gdb's interface for code that was made at run time: a linked list of symbol files, and a function that gdb
 * watches. Both stand in a small library that the package ships, since gdb looks for them by name.
 * @see "JIT Compilation Interface" in the gdb manual
 */
import { fileURLToPath } from 'node:url';
import { dlopen, dlsym } from './dynamic-library.js';
import { allocate, release } from './heap.js';
import { memoryAt, nativeCall } from './libc.js';

/** The names that gdb knows. */
export const registerFunctionName = '__jit_debug_register_code';
export const descriptorName = '__jit_debug_descriptor';

/** `struct jit_descriptor`, and behind it a word of ours: a lock between threads. */
export const descriptorLength = 32;
const descriptor = { version: 0, action: 1, relevant: 1, first: 2, lock: 6 } as const;
/** `struct jit_code_entry { next, prev, symfile_addr, symfile_size }`. */
const entryLength = 32;

const JIT_REGISTER_FN = 1;
const JIT_UNREGISTER_FN = 2;

/** Where the package keeps the library for an architecture. */
export function libraryPath(architecture: string): string {
  return fileURLToPath(new URL(`../native/gdb-jit-${architecture}.so`, import.meta.url));
}

interface Interface {
  readonly halves: Uint32Array;
  readonly words: BigUint64Array;
  readonly lock: Int32Array;
  readonly notify: () => void;
}

let opened: Interface | undefined;

function open(): Interface {
  if (opened !== undefined) return opened;
  const handle = dlopen(libraryPath(process.arch));
  const memory = memoryAt(dlsym(descriptorName, handle)!, descriptorLength);
  const notify = nativeCall('void trampfd_gdb_notify()', dlsym(registerFunctionName, handle)!);
  opened = {
    halves: new Uint32Array(memory),
    words: new BigUint64Array(memory),
    lock: new Int32Array(memory),
    notify: () => notify(),
  };
  return opened;
}

/** A symbol file that gdb knows; its address is the list entry's. */
export type SymbolEntry = bigint;

/** Tells gdb of a symbol file. */
export function addSymbols(file: Uint8Array): SymbolEntry {
  return locked((gdb) => {
    const first = gdb.words[descriptor.first]!;
    const symbols = allocate(file);
    const entry = allocate(new Uint8Array(BigUint64Array.of(first, 0n, symbols, BigInt(file.length)).buffer));
    if (first !== 0n) wordsOf(first)[1] = entry;
    gdb.words[descriptor.first] = entry;
    tell(gdb, JIT_REGISTER_FN, entry);
    return entry;
  });
}

/** Lets gdb forget a symbol file. */
export function removeSymbols(entry: SymbolEntry): void {
  locked((gdb) => {
    const [next, previous, symbols] = wordsOf(entry) as unknown as [bigint, bigint, bigint];
    if (previous === 0n) gdb.words[descriptor.first] = next;
    else wordsOf(previous)[0] = next;
    if (next !== 0n) wordsOf(next)[1] = previous;
    tell(gdb, JIT_UNREGISTER_FN, entry);
    release(symbols);
    release(entry);
  });
}

const wordsOf = (entry: SymbolEntry): BigUint64Array => new BigUint64Array(memoryAt(entry, entryLength));

function tell(gdb: Interface, action: number, entry: SymbolEntry): void {
  gdb.halves[descriptor.action] = action;
  gdb.words[descriptor.relevant] = entry;
  gdb.notify();
  gdb.halves[descriptor.action] = 0;
}

/** Runs with the list to ourselves. Workers share it, and hold it for microseconds. */
function locked<Result>(run: (gdb: Interface) => Result): Result {
  const gdb = open();
  while (Atomics.compareExchange(gdb.lock, descriptor.lock, 0, 1) !== 0);
  try {
    return run(gdb);
  } finally {
    Atomics.store(gdb.lock, descriptor.lock, 0);
  }
}
