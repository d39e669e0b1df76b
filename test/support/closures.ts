/** The C functions of `programs/closures.c`, as native functions. */
import { type NativeFunctionOptions, nativeFunction, struct, symbolAddress } from 'trampfd';
import { compileLibrary } from './compile.js';

const closuresLibrary = (): string => compileLibrary('closures', ['closures.c']);

export const inLibrary = (name: string): bigint => symbolAddress(name, closuresLibrary());

/** How many callbacks of type `int (int)` there are, and how they are called. */
export const callMany = (options: Pick<NativeFunctionOptions, 'fiber'> = {}) =>
  nativeFunction('long (void *call, int count)', inLibrary('call_many'), options);
export const callFromThreads = <const Options extends NativeFunctionOptions>(options: Options) =>
  nativeFunction('long (void *call, int threads, int count)', inLibrary('call_from_threads'), options);

/** What `call_eleven` calls: every way of passing an argument, with more than there are registers for. */
const large = struct({ numbers: 'double[4]', text: 'const char *' });
export const eleven = {
  result: large,
  args: [
    ...(['int', 'double', 'long', 'float'] as const),
    large,
    ...(['unsigned char', 'double', 'void *', 'short', 'float', 'int'] as const),
  ],
} as const;
