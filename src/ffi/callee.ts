/** Runs the JavaScript function of a callback: reads the arguments from the state, and writes the result to it. */
import type { CallbackInterface } from './callback-interface.js';
import type { Marshaller } from './marshal.js';
import { snapshotValue } from './marshal-struct.js';
import { pinned } from './scalars.js';
import { formats } from './value-locations.js';

/** A callback, as far as calls need it. */
export interface Callee {
  readonly callbackInterface: CallbackInterface;
  readonly fn: (...args: unknown[]) => unknown;
  /** Distinguishes the callback from earlier ones in the same slot. */
  readonly serial: number;
  /** Memory that native code may still use: the last result. */
  retainedResult: unknown;
  /** Returns the name for error messages. */
  describe(): string;
}

export interface CalleeFunctions {
  callFunction(callee: Callee): unknown;
  writeResult(callee: Callee, value: unknown): void;
}

export function createCalleeFunctions(marshaller: Marshaller): CalleeFunctions {
  const { read, write } = marshaller;
  function callFunction({ fn, callbackInterface }: Callee): unknown {
    const { args, first, second, third } = callbackInterface;
    if (first === undefined) return fn();
    if (second === undefined) return fn(read(first));
    if (third === undefined) return fn(read(first), read(second));
    const [a, b, c] = [read(first), read(second), read(third)];
    switch (args.length) {
      case 3:
        return fn(a, b, c);
      case 4:
        return fn(a, b, c, read(args[3]!));
      case 5:
        return fn(a, b, c, read(args[3]!), read(args[4]!));
      case 6:
        return fn(a, b, c, read(args[3]!), read(args[4]!), read(args[5]!));
      default:
        return fn(a, b, c, ...args.slice(3).map(read));
    }
  }

  function writeResult(callee: Callee, value: unknown): void {
    const { result } = callee.callbackInterface;
    if (result === undefined) return;
    if (result.format < formats.string && typeof value !== 'object') {
      write(result, value);
      return;
    }
    const snapshot = snapshotValue(result, value);
    const pinnedBefore = pinned.length;
    write(result, snapshot);
    if (pinned.length > pinnedBefore || callee.retainedResult !== undefined)
      callee.retainedResult = pinned.splice(pinnedBefore);
  }

  return { callFunction, writeResult };
}
