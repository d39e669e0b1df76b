/**
 * Memory layout of the glue between C and JavaScript, the same on every architecture. Offsets and lengths are in bytes.
 * Two areas follow the code:
 *
 *     constants   function pointers and handles, read-only after initialisation
 *     state       what each thread is executing, and the record of the current call
 *
 * A *call record* holds the registers and the stack of a call. Registers are in the order in which arguments (or
 * results) use them, followed by the register that only holds the address of a result. Those that an architecture does
 * not have are unused.
 */

/** Offsets of the constants from the code, and of the state from the constants: the largest page size of any system. */
export const constantsOffset = 2 ** 16;
export const stateOffset = 2 ** 16;

export const callRecord = {
  /** 9 words. */
  general: 0,
  /** 8 registers, of which the lower 8 bytes: a `float` or `double`. */
  vector: 72,
  results: 136,
  vectorResults: 152,
  /** Stack arguments and copies of arguments in memory; on return, the bytes of a result in memory. */
  stack: 184,
} as const;

/** Max bytes of the arguments of a call on the stack and in memory, or of its result in memory. */
export const maxStackBytes = 2 ** 14;

/** Alignment of the stack pointer at a call on every supported architecture. */
export const stackAlignment = 16;

/** A call of a native function, on any thread. JavaScript writes the fields before `errno` in this order. */
export const nativeCall = {
  target: 0,
  /** A multiple of {@link stackAlignment}. */
  stackSize: 8,
  flags: 12,
  errno: 16,
  record: 24,
} as const;

/** Flags: the call passes vector registers, and it stores `errno`. */
export const callFlags = { vectors: 1, errno: 2 } as const;

export const state = {
  /** Thread pointer of the JavaScript thread while a native call of ours executes native code; otherwise 0. */
  activeThread: 0,
  /** Address of the frame of the innermost native call. */
  frame: 8,
  /** Thread pointer of the JavaScript thread; 0 after the environment has ended. */
  jsThread: 16,
  /** Spinlock for the list of requests. */
  lock: 24,
  /** Whether callers on other threads get the error result at once because the environment ends. */
  shuttingDown: 28,
  /** List of requests that are not completed. */
  requests: 32,
  /** Argument word of the exported functions: the request being handled or completed, or another operand. */
  pendingRequest: 40,
  /** Set by JavaScript if the request completes later. */
  deferred: 48,
  /** Whether JavaScript has stored a result; if not, native code gets the error result. */
  completed: 52,
  /** Status of the last setup step: the first that is not `napi_ok`. */
  napiStatus: 56,
  /** Failure since the innermost native call began: one of {@link failures}, or 0. */
  failure: 60,
  /** The callback that is called (its index and its serial number, u32 each), and the entry path. */
  id: 64,
  serial: 68,
  entryPath: 72,
  /** Whether the fiber is suspended in a callback; if not, its call has returned. */
  suspended: 76,
  /** Stack pointer of the JavaScript thread's own stack while the fiber runs. */
  threadSp: 80,
  /** Stack pointer at which the next call on the fiber begins, or the last suspended one resumes. */
  fiberSp: 88,
  /** Lowest address of the fiber stack including its guard page, and the length of both; 0 if there is none. */
  fiberStack: 96,
  fiberStackLength: 104,
  /** Whether `invokeFast` executes native code: then no JavaScript may run, so callbacks are refused. */
  inFastCall: 112,
  /** Address of a word that is not 0 while V8's optimised code calls C; 0 if it is unknown. */
  fastCallMarker: 120,
  /** The current call: of a native function, or of a callback. */
  call: 128,
  length: 128 + nativeCall.record + callRecord.stack + maxStackBytes,
} as const;

/** Frame of a native call or of another entry, on the stack of the JavaScript thread. A multiple of 16 bytes. */
export const frame = {
  previous: 0,
  /** Handle scope in which callbacks run (0 before the first), and the handle of the dispatcher in it. */
  handleScope: 8,
  dispatcher: 16,
  /** Number of further calls that may leave handles in the scope. */
  callsLeft: 24,
  size: 32,
} as const;

/** Calls that share a handle scope. Opening one takes about 20 ns, and the handles of 256 calls are little memory. */
export const callsPerHandleScope = 256;

/** Reasons for which a native call throws after it has returned. */
export const failures = {
  /** C invoked a callback on a stack that V8 cannot run on. Set by the glue. */
  wrongStack: 1,
  /** The function of a callback threw. Set by JavaScript, which keeps the error. */
  thrown: 2,
  /** C invoked a callback in a fast call. Set by the glue. */
  fastCall: 3,
} as const;

/** How a callback or the dispatcher is reached. */
export const entryPaths = {
  /** From a native call of ours on the JavaScript thread. */
  nativeCall: 0,
  /** On the JavaScript thread, from other native code. */
  foreignCode: 1,
  /** On the JavaScript thread, from a stack that V8 cannot run on. The caller has its error result already. */
  foreignStack: 2,
  /** From another thread, which may wait for the result. */
  otherThread: 3,
  /** No callback: an asynchronous native call has returned. */
  asyncCompletion: 4,
  /** No callback: a native call on the fiber begins. */
  fiberCall: 5,
} as const;

/** Data shared by callbacks of one signature and the same options. The code only reads it. */
export const callbackInterface = {
  /** Bytes of stack arguments. */
  stackSize: 0,
  /** Bytes of a result in memory; 0 when it is in registers. */
  resultSize: 4,
  flags: 8,
  crossThread: 12,
  /** Bytes of a record from `stack` on: a multiple of {@link stackAlignment}. */
  recordStackLength: 16,
  /** Offset of the list of argument copies in this structure; 0 if there is none. */
  copiesOffset: 20,
  /** Result for callers if JavaScript has none: laid out as a record from `results` on. */
  errorResults: 24,
  errorMemory: 24 + callRecord.stack - callRecord.results,
} as const;

/**
 * An argument that is passed by address: offsets in the record of the address and of the copy, and its size in bytes.
 * A size of 0 ends the list.
 */
export const argumentCopy = { address: 0, to: 4, size: 8, length: 12 } as const;

/** How a call from another thread is handled. Code compares with `block` by testing for 0. */
export const crossThreadModes = { block: 0, queue: 1, reject: 2 } as const;

/** The mode, in a request, of a call on the JavaScript thread but on a stack that V8 cannot run on. */
export const foreignStackMode = 3;

/** A call from another thread, on that thread's stack or, if it does not wait, on the heap. It ends with a record. */
export const request = {
  /** A futex: 0 until the result is stored. */
  done: 0,
  crossThread: 4,
  callbackInterface: 8,
  id: 16,
  previous: 24,
  next: 32,
  record: 40,
  /** Length up to `stack` of the record: a multiple of {@link stackAlignment}. */
  length: 224,
} as const;

// <linux/futex.h>: the operations with FUTEX_PRIVATE_FLAG.
export const FUTEX_WAIT_PRIVATE = 128;
export const FUTEX_WAKE_PRIVATE = 129;

/** Length of a string that ends with NUL: <js_native_api_types.h>. */
export const NAPI_AUTO_LENGTH = -1;

/** A native call on another thread: its `napi_async_work`, the id of its promise, and the call. */
export const asyncCall = { work: 0, id: 8, call: 16 } as const;

/** Functions that the glue calls, in the order of their addresses in the constants. */
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

const importsOffset = 40;

export const constants = {
  /** Node-API handles, stored by the glue. */
  env: 0,
  dispatcher: 8,
  queue: 16,
  /** Bounds of the JavaScript thread's own stack. */
  stackLow: 24,
  stackHigh: 32,
  imports: importsOffset,
  length: importsOffset + 8 * importNames.length,
} as const;

/** Returns the offset of the address of an imported function in the constants. */
export function importOffset(name: ImportName): number {
  return constants.imports + 8 * importNames.indexOf(name);
}

/** The data that code refers to: its distance from the code, and the offset of the address of each imported function. */
export interface GlueData {
  readonly constantsOffset: number;
  importOffset(name: string): number;
}

export const glueData: GlueData = { constantsOffset, importOffset: importOffset as GlueData['importOffset'] };

/** Functions exported to JavaScript. */
export const exportNames = [
  'attach',
  'completeRequest',
  'fiberBegin',
  'fiberInvoke',
  'fiberResume',
  'invoke',
  'invokeFast',
  'queueAsync',
  'readCString',
  'setRef',
  'shutdown',
] as const;
export type ExportName = (typeof exportNames)[number];

/**
 * Functions that V8 calls without Node-API. The first two are for optimised code; they call the function whose address
 * is in the first of `callbackRegisters`. The last does nothing.
 */
export const fastCallNames = ['fastCall', 'fastCallToMemory', 'emptyCallback'] as const;
export type FastCallName = (typeof fastCallNames)[number];

/** Code whose addresses JavaScript uses, in the order of the header in module-layout.ts. */
export const glueEntries = [
  ...(['callbackEntry', 'initialise', 'invoke', 'invokeFast', 'fiberBegin', 'fiberResume'] as const),
  ...fastCallNames,
] as const;
export type GlueEntry = (typeof glueEntries)[number];
/** Offsets in the code, in bytes. */
export type GlueOffsets = Readonly<Record<GlueEntry, number>>;
