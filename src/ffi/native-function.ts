/** Native functions: C called from JavaScript. */

import { knownOptions, nonNullAddress, optionalBoolean } from '../core/validate.js';
import { addressOfBytes } from '../linux/mm/memory.js';
import { hostMachine } from '../native/host.js';
import { type CallInterface, prepareCall } from './call-interface.js';
import { pinned } from './marshal.js';
import { readObject, snapshotValue } from './marshal-struct.js';
import { errnoIndex, type NativeInvoker, nativeInvoker } from './native-invoker.js';
import { type PrototypeLike, parsePrototype } from './prototype/parse.js';
import type { NativeFunction, ResultOf, ValidPrototype } from './prototype/types.js';

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
   * Whether native code runs on a stack of its own (8 MiB), as a fiber of the JavaScript thread. It then calls
   * callbacks about twice as fast, since JavaScript is not entered anew for each. For functions that call callbacks often
   * and that do not depend on the thread's own stack: no Node-API or V8 calls. Default false.
   */
  readonly fiber?: boolean;
}

/** What a call returns, by the options of its function. */
export type CallResult<S extends PrototypeLike, Options> = IfFlag<
  Options,
  'async',
  Promise<WithErrno<S, Options>>,
  WithErrno<S, Options>
>;
type WithErrno<S extends PrototypeLike, Options> = IfFlag<
  Options,
  'errno',
  { readonly value: ResultOf<S>; readonly errno: number },
  ResultOf<S>
>;
/** Either, where the compiler does not know the flag. */
type IfFlag<Options, Name extends string, Yes, No> = Options extends { readonly [Flag in Name]: true }
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
  const S extends PrototypeLike,
  const Options extends NativeFunctionOptions = Record<never, never>,
>(
  prototype: S & ValidPrototype<S>,
  address: bigint,
  options?: Options,
): (...args: Parameters<NativeFunction<S>>) => CallResult<S, Options>;
export function nativeFunction(prototype: unknown, address: bigint, options?: unknown): unknown {
  const { async, errno, fiber } = knownOptions(options, 'options', ['async', 'errno', 'fiber']);
  const signature = parsePrototype(prototype, hostMachine().ffi.cPlatform);
  const callOptions = {
    errno: optionalBoolean(errno, 'errno'),
    onFiber: optionalBoolean(fiber, 'fiber'),
  };
  const callInterface = prepareCall(signature, nonNullAddress(address, 'address'), callOptions);
  if (!optionalBoolean(async, 'async')) return bindSync(callInterface, nativeInvoker());
  if (callOptions.onFiber)
    throw new TypeError('fiber: true is for calls on the JavaScript thread, not for asynchronous ones');
  return bindAsync(callInterface, nativeInvoker());
}

type BoundFunction = (...args: unknown[]) => unknown;
type ArgumentWriter = (value: unknown) => void;

/** Few arguments without structures are the common case, and need no list. */
function bindSync(callInterface: CallInterface, invoker: NativeInvoker): BoundFunction {
  const { args, resultSize, errno } = callInterface;
  if (resultSize > 0 || errno || args.some(({ struct }) => struct !== undefined))
    return bindGeneral(callInterface, invoker);
  const invoke = invoker.bind(callInterface);
  const writers = args.map(invoker.writerFor);
  const [first, second, third, fourth] = writers as [
    ArgumentWriter,
    ArgumentWriter,
    ArgumentWriter,
    ArgumentWriter,
  ];
  switch (args.length) {
    case 0:
      return invoke;
    case 1:
      return (a) => {
        first(a);
        return invoke();
      };
    case 2:
      return (a, b) => {
        first(a);
        second(b);
        return invoke();
      };
    case 3:
      return (a, b, c) => {
        first(a);
        second(b);
        third(c);
        return invoke();
      };
    case 4:
      return (a, b, c, d) => {
        first(a);
        second(b);
        third(c);
        fourth(d);
        return invoke();
      };
    default:
      return (...values) => {
        for (let index = 0; index < writers.length; index++) writers[index]!(values[index]);
        return invoke();
      };
  }
}

function bindGeneral(callInterface: CallInterface, invoker: NativeInvoker): BoundFunction {
  return (...values) => {
    const readResult = writeArguments(callInterface, invoker, values);
    invoker.invoke(callInterface);
    return readResult();
  };
}

function bindAsync(callInterface: CallInterface, invoker: NativeInvoker): BoundFunction {
  return (...values) =>
    new Promise((resolve) => {
      const readResult = writeArguments(callInterface, invoker, values);
      invoker.invokeAsync(callInterface, () => resolve(readResult()));
    });
}

/** Writes all arguments. Returns how to read the result when the call has been made. */
function writeArguments(
  callInterface: CallInterface,
  { state, read, write, readCString }: NativeInvoker,
  values: readonly unknown[],
): () => unknown {
  const { args, result, resultSize, resultPointerOffset, errno } = callInterface;
  const snapshots = args.map((location, index) => snapshotValue(location, values[index]));
  for (const [index, location] of args.entries()) write(location, snapshots[index]);
  const resultMemory = new Uint8Array(resultSize);
  if (resultPointerOffset !== undefined) {
    pinned.push(resultMemory);
    state.u64[resultPointerOffset / 8] = addressOfBytes(resultMemory);
  }
  const readValue = (): unknown => {
    if (result === undefined) return undefined;
    if (resultSize === 0) return read(result);
    return readObject(result.struct!, new DataView(resultMemory.buffer), 0, readCString);
  };
  return errno ? () => ({ value: readValue(), errno: state.i32[errnoIndex] }) : readValue;
}
