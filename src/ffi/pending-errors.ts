/**
 * Errors that callbacks throw. No exception crosses native code: the first error is stored until the native call returns,
 * since C may call other callbacks before, and is thrown from there.
 *
 * Stack overflow and termination cannot be caught here. Node-API keeps the exception pending: no JavaScript runs until the
 * native call returns, then the exception propagates.
 */
import { TrampfdError } from '../core/errors.js';
import { failures, state as stateLayout } from '../machine/glue-layout.js';
import { ensureFiberStack } from './fiber-stack.js';
import type { GlueInstance } from './glue-instance.js';

/** A wrapper, so that `undefined` can be thrown, too. */
export interface PendingError {
  readonly error: unknown;
}

export interface PendingErrors {
  /** The failure code in the state, at index 0: not 0 if there is a pending error. */
  readonly failureCode: Uint32Array;
  /**
   * Removes and returns the pending error. If the failure code is set without one, the glue set it: C called a callback on
   * a stack that V8 does not know.
   */
  take(): PendingError;
  set(newError: PendingError | undefined): void;
  /** Runs a function that may call callbacks, and throws their first error. */
  rethrowErrors(run: () => void): void;
  /** Makes the native call that is in the state, and throws the first error of callbacks. */
  invokeOnThread(): void;
  /** Does the same on the fiber's stack, which is mapped when it is first needed. */
  invokeOnFiber(): void;
}

/** The error for a callback on a stack that V8 cannot run on. */
export function wrongStackError(): TrampfdError {
  const message = 'Cannot run a callback: C called it on a stack that V8 does not know';
  return new TrampfdError(message, { code: 'ERR_TRAMPFD_STACK' });
}

export function createPendingErrors({ state, functions }: GlueInstance): PendingErrors {
  const failureCode = state.u32.subarray(stateLayout.failure / 4, stateLayout.failure / 4 + 1);
  const enterOnThread = functions.invoke as () => void;
  const enterOnFiber = functions.fiberInvoke as () => void;
  /** The first error since the innermost native call began. Errors of outer calls are in the frames that run them. */
  let pendingError: PendingError | undefined;

  function take(): PendingError {
    const current = pendingError ?? { error: wrongStackError() };
    set(undefined);
    return current;
  }

  function set(newError: PendingError | undefined): void {
    pendingError = newError;
    failureCode[0] = newError === undefined ? 0 : failures.thrown;
  }

  function rethrowErrors(run: () => void): void {
    const outerError = failureCode[0] === 0 ? undefined : take();
    run();
    const innerError = failureCode[0] === 0 ? undefined : take();
    set(outerError);
    if (innerError !== undefined) throw innerError.error;
  }

  /** Does what `rethrowErrors(enterOnThread)` does; the common case is so small that V8 inlines it into every caller. */
  function invokeOnThread(): void {
    if (failureCode[0] !== 0) {
      rethrowErrors(enterOnThread);
    } else {
      enterOnThread();
      if (failureCode[0] !== 0) throwPendingError();
    }
  }

  /** A function of its own, to keep `invokeOnThread` small. */
  function throwPendingError(): void {
    throw take().error;
  }

  function invokeOnFiber(): void {
    ensureFiberStack(state);
    rethrowErrors(enterOnFiber);
  }

  return { failureCode, take, set, rethrowErrors, invokeOnThread, invokeOnFiber };
}

/** Reports an error for which there is no JavaScript caller: as `uncaughtException`. */
export function reportUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
