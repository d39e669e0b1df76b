/**
 * The memory that JavaScript and the glue between C and JavaScript share, and what is the glue's own, the same on every
 * architecture. Numbers are bytes. Behind the glue's code stand
 *
 *     constants   function pointers and handles, read-only once the glue has started
 *     state       what changes: who is where, and the record of the call that is on its way
 *
 * A *call record* holds what the calling convention puts into registers and on the stack. Registers stand in the
 * order in which arguments (or results) take them, one that has only the address for a result behind the others;
 * those that an architecture does not have stay empty.
 */

/** Where the state begins, behind the start of the constants: the largest page of any system. */
export const stateOffset = 2 ** 16;

export const callRecord = {
  /** Nine of them. */
  general: 0,
  /** Eight of them, as far as numbers go: 8 bytes. */
  vector: 72,
  results: 136,
  vectorResults: 152,
  /** Arguments on the stack and copies of others in memory; later the bytes of a result in memory. */
  stack: 184,
} as const;

/** Bytes of arguments on the stack and in memory, or of a result in memory, that a call may have. */
export const maxStackBytes = 2 ** 14;

/** What the stack pointer is a multiple of at a call, on every architecture that we know. */
export const stackAlignment = 16;

/**
 * A call of a native function, here or on another thread. JavaScript writes what is before `errno` in this order; the
 * record is the last part.
 */
export const nativeCall = {
  target: 0,
  /** A multiple of {@link stackAlignment}. */
  stackSize: 8,
  flags: 12,
  errno: 16,
  record: 24,
} as const;

/** What a native call needs beyond general registers and a result. */
export const callFlags = { vectors: 1, errno: 2 } as const;

export const state = {
  /** The thread pointer of the JavaScript thread while our native call runs and no JavaScript within; else 0. */
  activeThread: 0,
  /** The innermost native call of ours. */
  frame: 8,
  /** The thread pointer of the JavaScript thread; 0 when there is none any more. */
  jsThread: 16,
  /** Held while the list of requests changes. */
  lock: 24,
  /** Whether other threads get the error result at once: JavaScript ends. */
  shuttingDown: 28,
  /** The list of requests that are not answered. */
  requests: 32,
  /** The relayed call that JavaScript is asked to handle, or to answer; and what else its functions are told. */
  pendingRequest: 40,
  /** Set by JavaScript: the answer to the request comes later. */
  deferred: 48,
  /** Whether JavaScript has answered; if not, native code gets the error result. */
  completed: 52,
  /** The first status that is not `napi_ok`, of what was set up. */
  napiStatus: 56,
  /** What has failed since the innermost native call began: one of {@link failures}, or 0. */
  failure: 60,
  /** The closure that is called (its place and its serial number, 4 bytes each), and by which way. */
  id: 64,
  serial: 68,
  entryPath: 72,
  /** Set when C on the own stack waits for what a closure answers; else its call has returned. */
  suspended: 76,
  /** The stack pointer of JavaScript while C runs on the own stack. */
  threadSp: 80,
  /** Where on the own stack the next call begins, or the last one that waits goes on. */
  fiberSp: 88,
  /** The lowest address of the own stack and its guard page, and the length of both; 0 while there is none. */
  fiberStack: 96,
  fiberStackLength: 104,
  /** The call on its way: of a native function, or of a closure. */
  call: 112,
  length: 112 + nativeCall.record + callRecord.stack + maxStackBytes,
} as const;

/** A native call of ours, or another way in, on the stack of the JavaScript thread: multiples of 16 bytes. */
export const frame = {
  previous: 0,
  /** The handle scope in which JavaScript is called, if it has been, and the dispatcher in it. */
  handleScope: 8,
  dispatcher: 16,
  /** How many more calls may leave their handles in the scope. */
  callsLeft: 24,
  size: 32,
} as const;

/** Calls that share a handle scope: so many handles are little memory, and opening a scope takes some 20 ns. */
export const callsPerHandleScope = 256;

/** Why a native call has an error to throw when it has returned. */
export const failures = {
  /** C called a closure on a stack that V8 does not know: said by the glue. */
  wrongStack: 1,
  /** A closure's function threw: said by JavaScript, which has the error. */
  thrown: 2,
} as const;

/** By which way a closure is called. */
export const entryPaths = {
  /** From our own native call on the JavaScript thread. */
  nativeCall: 0,
  /** On the JavaScript thread, from anybody else's native code. */
  foreignCode: 1,
  /** On the JavaScript thread, from a stack that is not the thread's own. */
  foreignStack: 2,
  /** From another thread, which may be waiting. */
  otherThread: 3,
  /** No closure: an asynchronous native call has returned. */
  asyncCompletion: 4,
  /** No closure: a native call on the own stack is to be made. */
  fiberCall: 5,
} as const;

/** What closures of one signature and the same options share. The code only reads it. */
export const callbackInterface = {
  /** Bytes of arguments on the stack. */
  stackSize: 0,
  /** Bytes of a result in memory; 0 when it is in registers. */
  resultSize: 4,
  flags: 8,
  crossThread: 12,
  /** Bytes that a record takes behind `stack`: a multiple of {@link stackAlignment}. */
  recordStackLength: 16,
  /** Where in the kind its list of copies begins; 0 when there is none. */
  copiesOffset: 20,
  /** What callers get when JavaScript has no result for them: like `results` of a record, and what is behind. */
  errorResults: 24,
  errorMemory: 24 + callRecord.stack - callRecord.results,
} as const;

/**
 * An argument whose address is passed: where in the record the address stands, where the value is copied to, and its
 * bytes. The list ends where there would be no bytes.
 */
export const argumentCopy = { address: 0, to: 4, size: 8, length: 12 } as const;

/** What a call from another thread does. */
export const crossThreadModes = { block: 0, queue: 1, reject: 2 } as const;

/** A call from another thread, on that thread's stack or, if it does not wait, on the heap: a record at its end. */
export const request = {
  /** 0 while the caller waits: a futex. */
  done: 0,
  crossThread: 4,
  callbackInterface: 8,
  id: 16,
  previous: 24,
  next: 32,
  record: 40,
  /** Without what is behind `stack` of the record: a multiple of {@link stackAlignment}. */
  length: 224,
} as const;

// <linux/futex.h>: the operations, with FUTEX_PRIVATE_FLAG.
export const FUTEX_WAIT_PRIVATE = 128;
export const FUTEX_WAKE_PRIVATE = 129;

/** Length of a string that ends with NUL: <js_native_api_types.h>. */
export const NAPI_AUTO_LENGTH = -1;

/** A native call on another thread: a `call` behind the work that it is. */
export const asyncCall = { work: 0, id: 8, call: 16 } as const;

/** The functions of Node-API that the glue calls, in the order of their addresses in the constants. */
export const importNames = [
  ...(['napi_call_function', 'napi_make_callback', 'napi_open_handle_scope'] as const),
  ...(['napi_close_handle_scope', 'napi_get_reference_value', 'napi_create_reference'] as const),
  ...(['napi_get_and_clear_last_exception', 'napi_set_named_property', 'napi_create_function'] as const),
  ...(['napi_get_cb_info', 'napi_add_env_cleanup_hook', 'napi_create_string_utf8'] as const),
  ...(['napi_create_threadsafe_function', 'napi_call_threadsafe_function'] as const),
  ...(['napi_ref_threadsafe_function', 'napi_unref_threadsafe_function'] as const),
  ...(['napi_create_async_work', 'napi_queue_async_work', 'napi_delete_async_work'] as const),
  ...(['malloc', 'free', '__errno_location'] as const),
] as const;
export type ImportName = (typeof importNames)[number];

const importsOffset = 64;

export const constants = {
  /** Handles of Node-API, put there by the glue itself. */
  env: 0,
  dispatcher: 8,
  queue: 16,
  /** The JavaScript thread's own stack. */
  stackLow: 24,
  stackHigh: 32,
  /** A function pointer that enters JavaScript from a stack that is not the thread's own. */
  foreignStackEntry: 40,
  imports: importsOffset,
  length: importsOffset + 8 * importNames.length,
} as const;

/** Where the address of an imported function stands in the constants. */
export function importOffset(name: ImportName): number {
  return constants.imports + 8 * importNames.indexOf(name);
}

/** The functions that JavaScript gets. */
export const exportNames = [
  'attach',
  'completeRequest',
  'fiberBegin',
  'fiberInvoke',
  'fiberResume',
  'invoke',
  'queueAsync',
  'readCString',
  'setRef',
  'shutdown',
] as const;
export type ExportName = (typeof exportNames)[number];
