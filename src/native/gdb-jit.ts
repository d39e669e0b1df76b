/**
 * gdb's interface for generated code: a linked list of symbol files, and a function on which gdb sets a breakpoint.
 * Both are in a small library that the package ships, since gdb looks them up by name.
 * @see "JIT Compilation Interface" in the gdb manual
 */

import { bindCFunction } from './c-function.js';
import { dlopen, dlsym } from './dl.js';
import { nativeFile } from './files.js';
import { free, mallocBytes } from './heap.js';
import { memoryAt } from './memory-view.js';
import { withLock } from './spinlock.js';

/** The names that gdb looks up. */
export const registerFunctionName = '__jit_debug_register_code';
export const jitDescriptorName = '__jit_debug_descriptor';

/** `struct jit_descriptor`, followed by a word of ours: the lock of the list. */
export const jitDescriptorSize = 32;
/** Indexes of its fields, in units of their own size (32 or 64 bits). */
const JIT_DESCRIPTOR = { version: 0, actionFlag: 1, relevantEntry: 1, firstEntry: 2, lock: 6 } as const;
/** `struct jit_code_entry { next, prev, symfile_addr, symfile_size }`. */
const codeEntrySize = 32;

const JIT_REGISTER_FN = 1;
const JIT_UNREGISTER_FN = 2;

/** Returns the path of the shipped library for an architecture. */
export function gdbJitLibraryPath(architecture: string): string {
  return nativeFile(`gdb-jit-${architecture}.so`);
}

interface GdbInterface {
  readonly u32: Uint32Array;
  readonly u64: BigUint64Array;
  readonly lockWords: Int32Array;
  readonly notify: () => void;
}

let gdbInterface: GdbInterface | undefined;

function openGdbInterface(): GdbInterface {
  if (gdbInterface !== undefined) return gdbInterface;
  const handle = dlopen(gdbJitLibraryPath(process.arch));
  const memory = memoryAt(dlsym(jitDescriptorName, handle)!, jitDescriptorSize);
  const notify = bindCFunction('void ()', dlsym(registerFunctionName, handle)!);
  gdbInterface = {
    u32: new Uint32Array(memory),
    u64: new BigUint64Array(memory),
    lockWords: new Int32Array(memory),
    notify: () => notify(),
  };
  return gdbInterface;
}

/** The address of the `jit_code_entry` of a registered symbol file. */
export type JitCodeEntry = bigint;

/** Registers a symbol file with gdb. */
export function addSymbolFile(file: Uint8Array): JitCodeEntry {
  return withJitLock((gdb) => {
    const firstEntry = gdb.u64[JIT_DESCRIPTOR.firstEntry]!;
    const symfileAddress = mallocBytes(file);
    const entry = mallocBytes(
      new Uint8Array(BigUint64Array.of(firstEntry, 0n, symfileAddress, BigInt(file.length)).buffer),
    );
    const firstWords = firstEntry === 0n ? undefined : entryWords(firstEntry);
    if (firstWords !== undefined) firstWords[1] = entry;
    gdb.u64[JIT_DESCRIPTOR.firstEntry] = entry;
    notifyGdb(gdb, JIT_REGISTER_FN, entry);
    return entry;
  });
}

/** Unregisters a symbol file, and frees it. */
export function removeSymbolFile(entry: JitCodeEntry): void {
  withJitLock((gdb) => {
    const [next, previous, symfileAddress] = entryWords(entry) as unknown as [bigint, bigint, bigint];
    const previousWords = previous === 0n ? undefined : entryWords(previous);
    const nextWords = next === 0n ? undefined : entryWords(next);
    if (previousWords === undefined) gdb.u64[JIT_DESCRIPTOR.firstEntry] = next;
    else previousWords[0] = next;
    if (nextWords !== undefined) nextWords[1] = previous;
    notifyGdb(gdb, JIT_UNREGISTER_FN, entry);
    free(symfileAddress);
    free(entry);
  });
}

const entryWords = (entry: JitCodeEntry): BigUint64Array =>
  new BigUint64Array(memoryAt(entry, codeEntrySize));

function notifyGdb(gdb: GdbInterface, action: number, entry: JitCodeEntry): void {
  gdb.u32[JIT_DESCRIPTOR.actionFlag] = action;
  gdb.u64[JIT_DESCRIPTOR.relevantEntry] = entry;
  gdb.notify();
  gdb.u32[JIT_DESCRIPTOR.actionFlag] = 0;
}

function withJitLock<Result>(criticalSection: (gdb: GdbInterface) => Result): Result {
  const gdb = openGdbInterface();
  return withLock(gdb.lockWords, JIT_DESCRIPTOR.lock, () => criticalSection(gdb));
}
