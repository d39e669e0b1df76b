/**
 * The native module through which JavaScript reaches C: the same file in every process. Its functions keep no state:
 * their first argument is an ArrayBuffer with a `nativeCall` of glue-layout.ts, the record, whose general argument
 * words they also use for their own arguments and results.
 */
import { alignUp } from '../core/bits.js';
import { callRecord, glueEntries } from './glue-layout.js';

/** Functions that the module exports to JavaScript. */
export const moduleExports = [
  /** `(record, memory)`: stores the address of an ArrayBuffer, or of a view's first byte, in word 0; or 0. */
  'addressOf',
  /** `(record)`: returns an ArrayBuffer of the memory at word 0, of as many bytes as word 1 says. */
  'bufferAt',
  /** `(record)`: makes the call. */
  'call',
  /** `(record)`: makes the call, which returns a `v8::FunctionTemplate`, and returns its function: see `templateCall`. */
  'functionOf',
  /** `(record, exports)`: calls the `napi_addon_register_func` at word 0. */
  'initialise',
  /** `(record)`: makes the call with `dlsym` as its target. */
  'lookup',
  /** `(record)`: returns the C string at word 0. */
  'stringAt',
] as const;
export type ModuleExport = (typeof moduleExports)[number];

/** Functions that the module calls, in the order of their addresses in its data. */
export const moduleImports = [
  ...(['napi_create_function', 'napi_set_named_property', 'napi_get_cb_info'] as const),
  ...(['napi_get_arraybuffer_info', 'napi_get_typedarray_info', 'napi_get_dataview_info'] as const),
  ...(['napi_create_external_arraybuffer', 'napi_create_string_utf8'] as const),
  ...(['dlsym', '__errno_location'] as const),
] as const;

/** The function that Node calls when it loads the module. */
export const initFunctionName = 'napi_register_module_v1';

/** C functions of the module, by the name of their symbol. Counts are of words of 64 bits, steps are in bytes. */
export const moduleFunctions = [
  /** `(target, targetStep, source, sourceStep, count)`: copies words. */
  'trampfd_copy_words',
  /** `(target, targetStep, word, increment, count)`: writes words, each greater than the previous one by the increment. */
  'trampfd_fill_words',
] as const;
export type ModuleFunction = (typeof moduleFunctions)[number];

/** The symbol of the glue in the module: a header, then the code. */
export const glueSymbol = 'trampfd_glue';
/** Offsets in the header, of 32-bit words: length of the code, and the offsets of `glueEntries` in it. */
export const glueHeader = {
  codeLength: 0,
  offsets: 4,
  length: alignUp(4 + 4 * glueEntries.length, 16),
} as const;

/**
 * The call of `functionOf`: `FunctionTemplate::New`, whose first argument is the isolate. Offsets in the record of the
 * addresses of `Isolate::GetCurrentContext` and `FunctionTemplate::GetFunction`, where other calls have vector registers.
 */
export const templateCall = {
  getCurrentContext: callRecord.vector,
  getFunction: callRecord.vector + 8,
} as const;

/** The last line of the file: the version of the package, and a checksum of everything before the line. */
export const moduleTrailer = {
  text: (version: string, checksum: number): string =>
    `\ntrampfd ${version} ${checksum.toString(16).padStart(8, '0')}\n`,
  pattern: /\ntrampfd (\S+) ([0-9a-f]{8})\n$/,
  maxLength: 64,
} as const;

/** FNV-1a over 32-bit words. It finds damage, not malice. `bytes.length` is a multiple of 4. */
export function moduleChecksum(bytes: Uint8Array): number {
  const words = new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  let hash = 0x811c9dc5;
  for (let index = 0; index < words.length; index++) hash = Math.imul(hash ^ words[index]!, 0x01000193);
  return hash >>> 0;
}
