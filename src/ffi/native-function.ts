/** Native functions: C functions that JavaScript calls. */

import { inspectLine, inspectSymbol } from '../core/inspect.js';
import { knownOptions, nonNullAddress, optionalBoolean } from '../core/validate.js';
import { hostMachine } from '../native/host.js';
import { type BoundFunction, bindAsync, bindSync } from './bind-call.js';
import { type CallMode, prepareCall } from './call-interface.js';
import { fastCalls } from './fast-calls.js';
import { bindFast } from './fast-function.js';
import { nativeInvoker } from './native-invoker.js';
import { type ParsedPrototype, parsePrototype } from './prototype/parse.js';
import type { PrototypeLike } from './prototype/prototype-like.js';
import type { NativeArguments, ResultOf, ValidPrototype } from './prototype/types.js';

export interface NativeFunctionOptions {
  /** Whether a call returns `{ value, errno }`: the result of C, and the value it left in `errno`. Default false. */
  readonly errno?: boolean;
  /**
   * Whether native code runs on a stack of its own (8 MiB), as a fiber of the JavaScript thread. It then calls
   * callbacks about twice as fast, since JavaScript is not entered again for each. For functions that call callbacks often
   * and that do not depend on the thread's own stack: no Node-API or V8 calls. Without effect on `async`. Default false.
   */
  readonly fiber?: boolean;
  /**
   * Whether V8's optimised code may call the function directly, which takes a quarter of the time. Only for functions that
   * call no callbacks and return soon: until then garbage cannot be collected. A callback during such a call does not
   * run: C gets its error result, and the call throws `ERR_TRAMPFD_FAST`. Calls with structures, text, memory, many
   * arguments or `errno`, and all calls if this build of Node does not allow it, take longer; `diagnose` reports
   * why. Without effect on `async`. Default false.
   */
  readonly fast?: boolean;
}

/** A C function as a JavaScript function. */
export interface NativeFunction<S extends PrototypeLike = PrototypeLike, Options = Record<never, never>> {
  /**
   * Calls the function on the JavaScript thread, where callbacks run at once.
   * @throws the first error that a callback threw during the call
   * @throws TypeError, RangeError for wrong arguments; C has not been called then
   */
  (...args: NativeArguments<S>): CallResult<S, Options>;
  /**
   * Calls the function on a thread of libuv's pool, so that JavaScript can run callbacks for other threads that the call
   * waits for. Memory and text that were passed stay valid until the promise is settled. Neither a Worker nor the process
   * ends before that.
   */
  readonly async: (...args: NativeArguments<S>) => Promise<CallResult<S, Options>>;
  /** The address of the C function. */
  readonly address: bigint;
  /** The C prototype, in one line. */
  readonly prototype: string;
  /** The name in the prototype, else `'nativeFunction'`. */
  readonly name: string;
  /** The number of arguments. */
  readonly length: number;
}

/** The result of a call, which depends on the options of the function. */
export type CallResult<S extends PrototypeLike, Options> = IfFlag<
  Options,
  'errno',
  { readonly value: ResultOf<S>; readonly errno: number },
  ResultOf<S>
>;
/** A union of both if the compiler does not know the value of the flag. */
type IfFlag<Options, Name extends string, Yes, No> = Options extends { readonly [Flag in Name]: true }
  ? Yes
  : true extends Options[Name & keyof Options]
    ? Yes | No
    : No;

/**
 * Creates a JavaScript function that calls a C function.
 *
 * @example
 * ```ts
 * import { nativeFunction, symbolAddress } from 'trampfd';
 *
 * const pow = nativeFunction('double pow(double, double)', symbolAddress('pow', 'libm.so.6'));
 * console.log(pow.name, pow(2, 10)); // pow 1024
 * console.log(await pow.async(2, 10)); // 1024
 *
 * const close = nativeFunction('int (int)', symbolAddress('close'), { errno: true });
 * console.log(close(-1)); // { value: -1, errno: 9 }
 * ```
 * @throws TypeError, RangeError for a wrong prototype, address or option
 * @throws TrampfdError if the system refuses memory or code
 */
export function nativeFunction<
  const S extends PrototypeLike,
  const Options extends NativeFunctionOptions = Record<never, never>,
>(prototype: S & ValidPrototype<S>, address: bigint, options?: Options): NativeFunction<S, Options>;
export function nativeFunction(prototype: unknown, address: bigint, options?: unknown): unknown {
  const values = knownOptions(options, 'options', ['errno', 'fiber', 'fast']);
  const signature = parsePrototype(prototype, hostMachine().ffi.cPlatform);
  const target = nonNullAddress(address, 'address');
  const mode = callMode(optionalBoolean(values.fiber, 'fiber'), optionalBoolean(values.fast, 'fast'));
  if (mode === 'fast') assertNoFunctionPointers(signature);
  const callInterface = prepareCall(signature, target, {
    errno: optionalBoolean(values.errno, 'errno'),
    mode,
  });
  const invoker = nativeInvoker();
  const ordinary = bindSync(callInterface, invoker);
  const fast = mode === 'fast' ? fastCalls() : undefined;
  const call =
    fast === undefined
      ? ordinary
      : bindFast({ target, signature, callInterface }, fast, {
          ordinary,
          readResult: () => invoker.read(callInterface.result!),
        });
  return createHandle(call, {
    async: bindAsync(callInterface, invoker),
    address: target,
    signature,
  });
}

function callMode(onFiber: boolean, isFast: boolean): CallMode {
  if (onFiber && isFast)
    throw new TypeError('fiber is for functions that call callbacks, and fast for others: choose one');
  return onFiber ? 'fiber' : isFast ? 'fast' : 'thread';
}

function assertNoFunctionPointers({ args, text }: ParsedPrototype): void {
  const index = args.findIndex(({ isFunctionPointer }) => isFunctionPointer);
  if (index >= 0) {
    throw new TypeError(
      `fast is for functions that call no callbacks, but argument ${index + 1} of ${text} is a function pointer`,
    );
  }
}

/** The values of a native function's properties. */
interface Details {
  readonly async: BoundFunction;
  readonly address: bigint;
  readonly signature: ParsedPrototype;
}

const details = Symbol('details');
type WithDetails = BoundFunction & { [details]: Details };

/** Getters in a shared prototype take a tenth of the time of properties that are defined for each function. */
const handlePrototype: object = Object.create(Function.prototype, {
  async: getter(({ async }) => async),
  address: getter(({ address }) => address),
  prototype: getter(({ signature }) => signature.text),
  [inspectSymbol]: {
    value(this: NativeFunction): string {
      const { address, prototype, name } = this;
      return inspectLine('NativeFunction', { address, prototype, name });
    },
  },
});

function getter(read: (values: Details) => unknown): PropertyDescriptor {
  return {
    get(this: WithDetails) {
      return read(this[details]);
    },
  };
}

function createHandle(call: BoundFunction, values: Details): BoundFunction {
  const { name = 'nativeFunction', args } = values.signature;
  Object.setPrototypeOf(call, handlePrototype);
  (call as WithDetails)[details] = values;
  Object.defineProperty(call, 'name', { value: name });
  if (call.length !== args.length) Object.defineProperty(call, 'length', { value: args.length });
  return call;
}
