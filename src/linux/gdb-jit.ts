/**
 * gdb's interface for code that was made at run time: a linked list of symbol files, and a function that gdb
 * watches. Both stand in a small library that the package ships, since gdb looks for them by name.
 * @see "JIT Compilation Interface" in the gdb manual
 */
import { fileURLToPath } from 'node:url';
import { dlopen, dlsym } from './dynamic-library.js';
import { allocate, release } from './heap.js';
import { memoryAt, nativeCall } from './libc.js';
import { withLock } from './lock.js';

/** The names that gdb knows. */
export const registerFunctionName = '__jit_debug_register_code';
export const descriptorName = '__jit_debug_descriptor';

/** `struct jit_descriptor`, and behind it a word of ours: the thread that changes the list. */
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
  const notify = nativeCall('void ()', dlsym(registerFunctionName, handle)!);
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
    const next = first === 0n ? undefined : wordsOf(first);
    if (next !== undefined) next[1] = entry;
    gdb.words[descriptor.first] = entry;
    tell(gdb, JIT_REGISTER_FN, entry);
    return entry;
  });
}

/** Lets gdb forget a symbol file. */
export function removeSymbols(entry: SymbolEntry): void {
  locked((gdb) => {
    const [next, previous, symbols] = wordsOf(entry) as unknown as [bigint, bigint, bigint];
    const before = previous === 0n ? undefined : wordsOf(previous);
    const after = next === 0n ? undefined : wordsOf(next);
    if (before === undefined) gdb.words[descriptor.first] = next;
    else before[0] = next;
    if (after !== undefined) after[1] = previous;
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

/** Runs with the list to ourselves. */
function locked<Result>(run: (gdb: Interface) => Result): Result {
  const gdb = open();
  return withLock(gdb.lock, descriptor.lock, () => run(gdb));
}
