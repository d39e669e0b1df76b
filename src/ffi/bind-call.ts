/** JavaScript functions that write arguments, make a native call, and read the result. */
import { addressOfBytes } from '../native/memory-view.js';
import type { CallInterface } from './call-interface.js';
import { readObject, snapshotValue } from './marshal-struct.js';
import { errnoIndex, type NativeInvoker } from './native-invoker.js';
import { pinned } from './scalars.js';

export type BoundFunction = (...args: unknown[]) => unknown;
type ArgumentWriter = (value: unknown) => void;
type SixWriters = [
  ArgumentWriter,
  ArgumentWriter,
  ArgumentWriter,
  ArgumentWriter,
  ArgumentWriter,
  ArgumentWriter,
];

/** Returns a function that makes the call on this thread. */
export function bindSync(callInterface: CallInterface, invoker: NativeInvoker): BoundFunction {
  const { args, resultSize, errno } = callInterface;
  if (resultSize > 0 || errno || args.some(({ struct }) => struct !== undefined))
    return bindGeneral(callInterface, invoker);
  const invoke = invoker.bind(callInterface);
  // Up to six arguments are written without a loop over a list.
  const writers = args.map(invoker.writerFor);
  const [first, second, third, fourth, fifth, sixth] = writers as SixWriters;
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
    case 5:
      return (a, b, c, d, e) => {
        first(a);
        second(b);
        third(c);
        fourth(d);
        fifth(e);
        return invoke();
      };
    case 6:
      return (a, b, c, d, e, f) => {
        first(a);
        second(b);
        third(c);
        fourth(d);
        fifth(e);
        sixth(f);
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

/** Returns a function that makes the call on a thread of libuv's pool, and returns a promise. */
export function bindAsync(callInterface: CallInterface, invoker: NativeInvoker): BoundFunction {
  return (...values) =>
    new Promise((resolve) => {
      const readResult = writeArguments(callInterface, invoker, values);
      invoker.invokeAsync(callInterface, () => resolve(readResult()));
    });
}

/** Writes all arguments. Returns a function that reads the result after the call. */
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
