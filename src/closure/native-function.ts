/** Native functions: C called from JavaScript. */
import { thisMachine } from '../linux/host.js';
import { addressOfBytes } from '../linux/memory.js';
import { address as checkAddress, options as checkNames, flag, oneOf } from '../trampoline/values.js';
import { type Calls, calls, errnoAt } from './calls.js';
import { type Plan, planOf } from './plans.js';
import { parseSignature, type SignatureLike } from './signature/parse.js';
import type { CheckedSignature, NativeFunction, ResultOf } from './signature/types.js';
import { prepare, readObject } from './structures.js';
import { pins } from './values.js';

export interface NativeFunctionOptions {
  /**
   * Whether the call is made on another thread, and returns a promise. JavaScript goes on meanwhile, so it can run
   * closures for other threads that the call waits for. Memory and text that were given stay until it is done, and
   * neither a Worker nor the process ends before. Default false.
   */
  readonly async?: boolean;
  /** Whether a call returns `{ value, errno }`: what C returned, and what it left in `errno`. Default false. */
  readonly errno?: boolean;
  /**
   * Where native code runs. `'thread'` (default): on the JavaScript thread's own stack. `'own'`: on another of 8 MiB,
   * where it calls closures about twice as fast, since JavaScript is not entered anew for each. It is for functions
   * that call closures often, and that do not use Node-API, or anything else that must know its stack, themselves.
   */
  readonly stack?: 'thread' | 'own';
}

/** What a call returns, by the options of its function. */
export type CallResult<S extends SignatureLike, Options> = WhetherFlag<
  Options,
  'async',
  Promise<WithErrno<S, Options>>,
  WithErrno<S, Options>
>;
type WithErrno<S extends SignatureLike, Options> = WhetherFlag<
  Options,
  'errno',
  { readonly value: ResultOf<S>; readonly errno: number },
  ResultOf<S>
>;
/** Either, where the compiler does not know the flag. */
type WhetherFlag<Options, Name extends string, Yes, No> = Options extends { readonly [Flag in Name]: true }
  ? Yes
  : true extends Options[Name & keyof Options]
    ? Yes | No
    : No;

/**
 * Makes a JavaScript function of a native one. Unless options say otherwise it runs on the JavaScript thread's own stack,
 * so closures that it calls run at once. What they throw is thrown by the call, as is a `TypeError` or `RangeError` for
 * arguments that do not fit; then C has not been called.
 *
 * @example
 * ```ts
 * import { nativeFunction, symbolAddress } from 'trampfd';
 *
 * const pow = nativeFunction('double (double, double)', symbolAddress('pow', 'libm.so.6'));
 * console.log(pow(2, 10)); // 1024
 *
 * const close = nativeFunction('int (int)', symbolAddress('close'), { errno: true });
 * console.log(close(-1)); // { value: -1, errno: 9 }
 * ```
 * @throws TypeError, RangeError for a wrong signature, address or option
 * @throws TrampfdError when the system refuses memory or code
 */
export function nativeFunction<
  const S extends SignatureLike,
  const Options extends NativeFunctionOptions = Record<never, never>,
>(
  signature: S & CheckedSignature<S>,
  address: bigint,
  options?: Options,
): (...args: Parameters<NativeFunction<S>>) => CallResult<S, Options>;
export function nativeFunction(signature: unknown, address: bigint, options?: unknown): unknown {
  const { async, errno, stack } = checkNames(options, 'options', ['async', 'errno', 'stack']);
  const parsed = parseSignature(signature, thisMachine().cPlatform);
  const wanted = {
    errno: flag(errno, 'errno'),
    ownStack: oneOf(stack, 'stack', ['thread', 'own']) === 'own',
  };
  const plan = planOf(parsed, checkAddress(address, 'address'), wanted);
  if (!flag(async, 'async')) return synchronous(plan, calls());
  if (wanted.ownStack) throw new TypeError("async calls run on another thread: stack: 'own' is not for them");
  return asynchronous(plan, calls());
}

type Caller = (...args: unknown[]) => unknown;
type Writer = (value: unknown) => void;

/** Few arguments without structures are the common case, and need no list. */
function synchronous(plan: Plan, own: Calls): Caller {
  const { args, resultSize, errno } = plan;
  if (resultSize > 0 || errno || args.some(({ struct }) => struct !== undefined)) return general(plan, own);
  const make = own.maker(plan);
  const writers = args.map(own.writer);
  const [first, second, third, fourth] = writers as [Writer, Writer, Writer, Writer];
  switch (args.length) {
    case 0:
      return make;
    case 1:
      return (a) => {
        first(a);
        return make();
      };
    case 2:
      return (a, b) => {
        first(a);
        second(b);
        return make();
      };
    case 3:
      return (a, b, c) => {
        first(a);
        second(b);
        third(c);
        return make();
      };
    case 4:
      return (a, b, c, d) => {
        first(a);
        second(b);
        third(c);
        fourth(d);
        return make();
      };
    default:
      return (...given) => {
        for (let index = 0; index < writers.length; index++) writers[index]!(given[index]);
        return make();
      };
  }
}

function general(plan: Plan, own: Calls): Caller {
  return (...given) => {
    const result = writeAll(plan, own, given);
    own.make(plan);
    return result();
  };
}

function asynchronous(plan: Plan, own: Calls): Caller {
  return (...given) =>
    new Promise((resolve) => {
      const result = writeAll(plan, own, given);
      own.start(plan, () => resolve(result()));
    });
}

/** Writes all arguments. Returns how to read the result when the call has been made. */
function writeAll(
  plan: Plan,
  { state, read, write, textAt }: Calls,
  given: readonly unknown[],
): () => unknown {
  const { args, result, resultSize, resultAddressAt, errno } = plan;
  const prepared = args.map((place, index) => prepare(place, given[index]));
  for (const [index, place] of args.entries()) write(place, prepared[index]);
  const memory = new Uint8Array(resultSize);
  if (resultAddressAt !== undefined) {
    pins.push(memory);
    state.u64[resultAddressAt / 8] = addressOfBytes(memory);
  }
  const value = (): unknown => {
    if (result === undefined) return undefined;
    if (resultSize === 0) return read(result);
    return readObject(result.struct!, new DataView(memory.buffer), 0, textAt);
  };
  return errno ? () => ({ value: value(), errno: state.i32[errnoAt] }) : value;
}
