/** The C functions of `programs/closures.c`, as native functions. */
import { type NativeFunctionOptions, nativeFunction, symbolAddress } from 'trampfd';
import { compileLibrary } from './compile.js';

export const closuresLibrary = (): string => compileLibrary('closures', ['closures.c']);

export const inLibrary = (name: string): bigint => symbolAddress(name, closuresLibrary());

/** How many callbacks of type `int (int)` there are, and how they are called. */
export const callMany = () => nativeFunction('long (void *call, int count)', inLibrary('call_many'));
export const callFromThreads = <const Options extends NativeFunctionOptions>(options: Options) =>
  nativeFunction('long (void *call, int threads, int count)', inLibrary('call_from_threads'), options);
