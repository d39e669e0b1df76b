/** The C functions of `programs/callbacks.c`, as native functions. */
import { type NativeFunctionOptions, nativeFunction, struct, symbolAddress } from 'trampfd';
import { compileLibrary } from './compile.js';

export const callbacksLibrary = (): string => compileLibrary('callbacks', ['callbacks.c']);

export const inLibrary = (name: string): bigint => symbolAddress(name, callbacksLibrary());

/** Calls a function of type `int (int)` with 0 to `count - 1`, and returns the sum of the results. */
export const callMany = (options: Pick<NativeFunctionOptions, 'fiber'> = {}) =>
  nativeFunction('long (void *call, int count)', inLibrary('call_many'), options);
/** Does the same on each of `threads` threads, and waits for them. */
export const callFromThreads = () =>
  nativeFunction('long (void *call, int threads, int count)', inLibrary('call_from_threads'));

/** The prototype of what `call_eleven` calls: all kinds of arguments, more than there are registers for. */
const large = struct({ numbers: 'double[4]', text: 'const char *' });
export const eleven = {
  result: large,
  args: [
    ...(['int', 'double', 'long', 'float'] as const),
    large,
    ...(['unsigned char', 'double', 'void *', 'short', 'float', 'int'] as const),
  ],
} as const;
