/**
 * Handles all entries from native code into JavaScript. A call of a callback takes three steps:
 *
 * 1. The glue writes the arguments and the id of the callback to the state, and calls `dispatch`.
 * 2. `dispatch` reads all arguments, calls the function, and writes the result to the state. Nothing else runs between the
 *    glue and the reading, or between the writing and the glue, so one call record is enough at any depth of nesting.
 * 3. The glue loads the result into registers and returns to C; or the error result, if the call was not completed.
 *
 * C on a fiber returns to `dispatch` instead of calling it, and is resumed after step 2.
 */
import { entryPaths, state as stateLayout } from '../machine/glue-layout.js';
import type { Callee, CalleeFunctions } from './callee.js';
import { directFunction } from './direct-function.js';
import type { GlueInstance } from './glue-instance.js';
import { type PendingErrors, reportUncaught, wrongStackError } from './pending-errors.js';

const indices = {
  id: stateLayout.id / 4,
  entryPath: stateLayout.entryPath / 4,
  completed: stateLayout.completed / 4,
  suspended: stateLayout.suspended / 4,
};

export interface DispatchTargets extends CalleeFunctions {
  /** Live callbacks by slot number. */
  readonly liveCallbacks: readonly (Callee | undefined)[];
  /** The actions to take when native calls on other threads have returned, by id. */
  readonly asyncCompletions: ReadonlyMap<number, () => void>;
  runFromOtherThread(callee: Callee | undefined): void;
}

/** Returns the function that the glue calls. */
export function createDispatcher(
  glue: GlueInstance,
  errors: PendingErrors,
  targets: DispatchTargets,
): () => void {
  const { u32 } = glue.state;
  const { failureCode, take, set, rethrowErrors } = errors;
  const { liveCallbacks, asyncCompletions, callFunction, writeResult, runFromOtherThread } = targets;
  let fiber: { readonly begin: () => void; readonly resume: () => void } | undefined;

  function dispatch(): void {
    const entryPath = u32[indices.entryPath]!;
    if (entryPath === entryPaths.nativeCall) runCallback();
    else if (entryPath === entryPaths.fiberCall) runFiber();
    else if (entryPath === entryPaths.foreignCode) runFromForeignCode();
    else if (entryPath === entryPaths.otherThread) runFromOtherThread(liveCallbacks[u32[indices.id]!]);
    else if (entryPath === entryPaths.foreignStack) reportUncaught(wrongStackError());
    else asyncCompletions.get(u32[indices.id]!)?.();
  }

  /**
   * Runs the callback whose call is in the state. If JavaScript is terminated inside native calls that the function makes,
   * their pending errors have no owner; they are replaced here.
   */
  function runCallback(): void {
    const outerError = failureCode[0] === 0 ? undefined : take();
    try {
      const callee = liveCallbacks[u32[indices.id]!]!;
      writeResult(callee, callFunction(callee));
      u32[indices.completed] = 1;
      set(outerError);
    } catch (error) {
      u32[indices.completed] = 0;
      set(outerError ?? { error });
    }
  }

  /** Runs a callback for native code that another library called: there is no native call of ours to throw from. */
  function runFromForeignCode(): void {
    try {
      rethrowErrors(runCallback);
    } catch (error) {
      reportUncaught(error);
    }
  }

  /** Runs C on the fiber, and the callbacks it calls, until it has returned. */
  function runFiber(): void {
    fiber ??= {
      begin: directFunction(glue, 'fiberBegin', { optimised: true }),
      resume: directFunction(glue, 'fiberResume', { optimised: true }),
    };
    const { begin, resume } = fiber;
    begin();
    while (u32[indices.suspended] !== 0) {
      runCallback();
      resume();
    }
  }

  return dispatch;
}
