/**
 * Errors that callbacks throw. No exception crosses native code: the first error is stored until the native call returns,
 * since C may call other callbacks before, and is thrown from there.
 *
 * Stack overflow and termination cannot be caught here. Node-API keeps the exception pending: no JavaScript runs until the
 * native call returns, then the exception propagates.
 */
import { TrampfdError } from '../core/errors.js';
import { failures, state as stateLayout } from '../machine/glue-layout.js';
import type { GlueInstance } from './glue-instance.js';

/** A wrapper, so that `undefined` can be thrown, too. */
export interface PendingError {
  readonly error: unknown;
}

export interface PendingErrors {
  /** The failure code in the state, at index 0: not 0 if there is a pending error. */
  readonly failureCode: Uint32Array;
  /**
   * Removes and returns the pending error. If the failure code is set without one, the glue set it, since it refused to
   * run a callback.
   */
  take(): PendingError;
  set(newError: PendingError | undefined): void;
  /** Runs a function that may call callbacks, and throws their first error. */
  rethrowErrors(run: () => void): void;
  /** Throws the pending error. */
  throwPendingError(): never;
}

/** The error for a callback on a stack that V8 cannot run on. */
export function wrongStackError(): TrampfdError {
  const message = 'Cannot run a callback: C called it on a stack that V8 does not know';
  return new TrampfdError(message, { code: 'ERR_TRAMPFD_STACK' });
}

/** The error for a callback during a fast call. */
function fastCallError(): TrampfdError {
  const message =
    'Cannot run a callback: C called it in a fast call. Create the native function without fast: true';
  return new TrampfdError(message, { code: 'ERR_TRAMPFD_FAST' });
}

export function createPendingErrors({ state }: GlueInstance): PendingErrors {
  const failureCode = state.u32.subarray(stateLayout.failure / 4, stateLayout.failure / 4 + 1);
  /** The first error since the innermost native call began. Errors of outer calls are in the frames that run them. */
  let pendingError: PendingError | undefined;

  function take(): PendingError {
    const current = pendingError ?? { error: refusal() };
    set(undefined);
    return current;
  }

  function refusal(): TrampfdError {
    return failureCode[0] === failures.fastCall ? fastCallError() : wrongStackError();
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

  function throwPendingError(): never {
    throw take().error;
  }

  return { failureCode, take, set, rethrowErrors, throwPendingError };
}

/** Reports an error for which there is no JavaScript caller: as `uncaughtException`. */
export function reportUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
