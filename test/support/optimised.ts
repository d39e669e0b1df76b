/** Functions that V8 has optimised. */
import v8 from 'node:v8';

/** Whether V8 compiles functions: not with `--jitless`. */
export const optimises: boolean = 'WebAssembly' in globalThis;

let optimise: ((...args: unknown[]) => unknown) | undefined;

/** Calls a function, and makes V8 optimise it. Functions that it calls there are inlined or called as they are. */
export function optimised<Fn extends (...args: never[]) => unknown>(fn: Fn, ...args: Parameters<Fn>): Fn {
  v8.setFlagsFromString('--allow-natives-syntax');
  optimise ??= new Function(
    'fn',
    'args',
    `%PrepareFunctionForOptimization(fn);
    fn(...args);
    fn(...args);
    %OptimizeFunctionOnNextCall(fn);
    fn(...args);`,
  ) as (...args: unknown[]) => unknown;
  optimise(fn, args);
  return fn;
}
