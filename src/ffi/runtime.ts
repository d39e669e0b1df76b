/**
 * The JavaScript side of the glue, one for each thread: the live closures, what answers for them, and where errors
 * go. A call of a closure, in a nutshell:
 *
 * 1. The glue puts the arguments into the call record, and which closure it is, and calls `dispatch`.
 * 2. `dispatch` reads all arguments, calls the function, and writes the result into the record. Nothing else
 *    runs between the glue and the reading, or between the writing and the glue: so one record is enough,
 *    however deep calls are nested.
 * 3. The glue loads the result into registers and returns to C; or the error result, if there is no answer.
 *
 * C on a stack of its own comes back to `dispatch` instead, which lets it go on when it has answered.
 *
 * What a function throws waits here until the native call returns, since C may call others before. What cannot be
 * caught here, as no JavaScript ran (the stack is used up) or none must run any more (it is terminated), is left to
 * Node-API: until the native call returns it lets no JavaScript run, and then it goes on with the exception.
 */

import { TrampfdError } from '../core/errors.js';
import { type ExportName, entryPaths, failures, state as stateLayout } from '../machine/glue-layout.js';
import type { CallbackInterface } from './callback-interface.js';
import { ensureFiberStack } from './fiber-stack.js';
import { createGlue, type GlueInstance } from './glue-instance.js';
import { createMarshaller, type Marshaller, pinned } from './marshal.js';
import { snapshotValue } from './marshal-struct.js';
import { formats } from './value-locations.js';

/** A closure, as far as calls need it. */
export interface Callee {
  readonly callbackInterface: CallbackInterface;
  readonly fn: (...args: unknown[]) => unknown;
  /** Tells it from others that have had the same place. */
  readonly serial: number;
  /** What native code may still use of the last result. */
  retainedResult: unknown;
  /** What errors call it. */
  describe(): string;
}

export interface Runtime extends GlueInstance {
  readonly marshaller: Marshaller;
  /** Live closures by their place. */
  readonly liveCallbacks: (Callee | undefined)[];
  /** What to do when native calls on other threads have returned. */
  readonly asyncCompletions: Map<number, () => void>;
  /** Makes the native call that is in the state, and throws what was thrown by closures that it called. */
  invokeOnThread(): void;
  /** The same on the own stack, which is mapped when it is first needed. */
  invokeOnFiber(): void;
}

/** So that `undefined` can be thrown, too. */
interface PendingError {
  readonly error: unknown;
}

const wrongStackMessage = 'Cannot run a closure: C called it on a stack that V8 does not know';

const indices = {
  id: stateLayout.id / 4,
  serial: stateLayout.serial / 4,
  entryPath: stateLayout.entryPath / 4,
  pendingRequest: stateLayout.pendingRequest / 8,
  pending: stateLayout.deferred / 4,
  completed: stateLayout.completed / 4,
  suspended: stateLayout.suspended / 4,
};

let instance: Runtime | undefined;

export function runtime(): Runtime {
  instance ??= createRuntime();
  return instance;
}

function createRuntime(): Runtime {
  const liveCallbacks: (Callee | undefined)[] = [];
  const asyncCompletions = new Map<number, () => void>();
  const glue = createGlue();
  const { state, functions } = glue;
  const { u32, u64 } = state;
  const marshaller = createMarshaller(state, decodeCString);
  const { read, write } = marshaller;
  const {
    fiberBegin,
    fiberResume,
    invoke: enterOnThread,
    fiberInvoke: enterOnFiber,
  } = functions as Readonly<Record<ExportName, () => void>>;
  const failureCode = u32.subarray(stateLayout.failure / 4, stateLayout.failure / 4 + 1);
  /** The first error since the innermost native call of ours began. Those of calls further out are with who runs them. */
  let pendingError: PendingError | undefined;

  function dispatch(): void {
    const entryPath = u32[indices.entryPath]!;
    if (entryPath === entryPaths.nativeCall || entryPath === entryPaths.foreignStack) runCallback();
    else if (entryPath === entryPaths.fiberCall) runFiber();
    else if (entryPath === entryPaths.foreignCode) runFromForeignCode();
    else if (entryPath === entryPaths.otherThread) runFromOtherThread(liveCallbacks[u32[indices.id]!]);
    else asyncCompletions.get(u32[indices.id]!)?.();
  }

  /**
   * Answers the closure call that is in the state. The function may make native calls that never come to their end
   * here, since JavaScript is terminated: what they leave is nobody's, and put right behind it.
   */
  function runCallback(): void {
    const outerError = failureCode[0] === 0 ? undefined : takePendingError();
    try {
      const callee = liveCallbacks[u32[indices.id]!]!;
      writeResult(callee, callFunction(callee));
      u32[indices.completed] = 1;
      setPendingError(outerError);
    } catch (error) {
      u32[indices.completed] = 0;
      setPendingError(outerError ?? { error });
    }
  }

  /** From native code that is not ours: there is nobody to throw to. */
  function runFromForeignCode(): void {
    try {
      rethrowErrors(runCallback);
    } catch (error) {
      reportUncaught(error);
    }
  }

  /** C on the own stack: answers what it waits for, until it has returned. */
  function runFiber(): void {
    fiberBegin();
    while (u32[indices.suspended] !== 0) {
      runCallback();
      fiberResume();
    }
  }

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

  /** From another thread, through the event loop. The closure may have been freed meanwhile. */
  function runFromOtherThread(callee: Callee | undefined): void {
    u32[indices.completed] = 0;
    if (callee === undefined || callee.serial !== u32[indices.serial]) return;
    try {
      const { crossThread, awaitResult } = callee.callbackInterface;
      if (crossThread === 'reject') throw crossThreadError(callee);
      // Now: reading a string argument uses the same word.
      const request = awaitResult ? u64[indices.pendingRequest]! : 0n;
      const value = callFunction(callee);
      if (awaitResult && isThenable(value)) {
        completeWhenSettled(callee, request, value);
        u32[indices.pending] = 1;
      } else {
        writeResult(callee, value);
        u32[indices.completed] = 1;
      }
    } catch (error) {
      u32[indices.completed] = 0;
      reportUncaught(error);
    }
  }

  function completeWhenSettled(callee: Callee, request: bigint, value: PromiseLike<unknown>): void {
    Promise.resolve(value)
      .then((result) => {
        writeResult(callee, result);
        completeRequest(request, 1);
      })
      .catch((error: unknown) => {
        completeRequest(request, 0);
        reportUncaught(error);
      });
  }

  function completeRequest(request: bigint, completed: 0 | 1): void {
    u64[indices.pendingRequest] = request;
    u32[indices.completed] = completed;
    functions.completeRequest();
  }

  /** What `withErrors` does, for the way that everybody takes: so short that V8 puts it into every caller. */
  function invokeOnThread(): void {
    if (failureCode[0] !== 0) {
      rethrowErrors(enterOnThread);
    } else {
      enterOnThread();
      if (failureCode[0] !== 0) throwPendingError();
    }
  }

  function invokeOnFiber(): void {
    ensureFiberStack(state);
    rethrowErrors(enterOnFiber);
  }

  /** Runs what may call closures, and throws the first error of theirs. */
  function rethrowErrors(run: () => void): void {
    const outerError = failureCode[0] === 0 ? undefined : takePendingError();
    run();
    const innerError = failureCode[0] === 0 ? undefined : takePendingError();
    setPendingError(outerError);
    if (innerError !== undefined) throw innerError.error;
  }

  /** For `invoke`, which stays short without it. */
  function throwPendingError(): void {
    throw takePendingError().error;
  }

  function setPendingError(newError: PendingError | undefined): void {
    pendingError = newError;
    failureCode[0] = newError === undefined ? 0 : failures.thrown;
  }

  /** What failed. The glue has no error to leave: where there is none, C has strayed. */
  function takePendingError(): PendingError {
    const current = pendingError ?? {
      error: new TrampfdError(wrongStackMessage, { code: 'ERR_TRAMPFD_STACK' }),
    };
    setPendingError(undefined);
    return current;
  }

  /** On a stack that is not the thread's own there is another's call to throw from. */
  function dispatchFromForeignStack(): void {
    rethrowErrors(dispatch);
  }

  function decodeCString(address: bigint): string {
    u64[indices.pendingRequest] = address;
    return (functions.readCString as () => string)();
  }

  glue.attach({ dispatch, dispatchFromForeignStack });
  // Before listeners of the program: they may call, be called, and wait for threads that nobody comes to answer.
  process.prependListener('exit', () => functions.shutdown());
  return { ...glue, marshaller, liveCallbacks, asyncCompletions, invokeOnThread, invokeOnFiber };
}

/** Lets the process hear of an error that has no JavaScript to go to: `uncaughtException`. */
function reportUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

function crossThreadError(callee: Callee): TrampfdError {
  const message = `Cannot run ${callee.describe()} for another thread: it was created with crossThread: 'reject'`;
  return new TrampfdError(message, { code: 'ERR_TRAMPFD_THREAD' });
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}
