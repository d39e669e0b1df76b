/** The ways into native code: each makes the call that is in the state, and throws the first error of its callbacks. */
import { directFunction } from './direct-function.js';
import { ensureFiberStack } from './fiber-stack.js';
import type { GlueInstance } from './glue-instance.js';
import type { PendingErrors } from './pending-errors.js';

export interface Entries {
  invokeOnThread(): void;
  /** On the fiber's stack, which is mapped when it is first needed. */
  invokeOnFiber(): void;
  /** Without the preparations for callbacks, which the glue refuses to run. */
  invokeFast(): void;
}

let callbacksExist = false;
const preparations: (() => void)[] = [];

/**
 * Must be called before the first callback is created. Only Node-API propagates what a callback cannot catch: stack
 * overflow and termination.
 */
export function prepareForCallbacks(): void {
  callbacksExist = true;
  for (const prepare of preparations.splice(0)) prepare();
}

/** The functions are as small as V8 needs to inline them into every caller. */
export function createEntries(
  glue: GlueInstance,
  { failureCode, rethrowErrors, throwPendingError }: PendingErrors,
): Entries {
  const { state, functions } = glue;
  const enterForCallbacks = functions.invoke as () => void;
  let enterOnThread = callbacksExist
    ? enterForCallbacks
    : directFunction(glue, 'invoke', { optimised: false });
  preparations.push(() => {
    enterOnThread = enterForCallbacks;
  });
  const enterOnFiber = functions.fiberInvoke as () => void;
  const enterFast = directFunction(glue, 'invokeFast', { optimised: true });

  function invokeOnThread(): void {
    if (failureCode[0] !== 0) {
      rethrowErrors(enterOnThread);
    } else {
      enterOnThread();
      if (failureCode[0] !== 0) throwPendingError();
    }
  }

  function invokeFast(): void {
    if (failureCode[0] !== 0) {
      rethrowErrors(enterFast);
    } else {
      enterFast();
      if (failureCode[0] !== 0) throwPendingError();
    }
  }

  function invokeOnFiber(): void {
    ensureFiberStack(state);
    rethrowErrors(enterOnFiber);
  }

  return { invokeOnThread, invokeOnFiber, invokeFast };
}
