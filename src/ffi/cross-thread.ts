/** Calls of callbacks from other threads, which arrive through the event loop. */
import { TrampfdError } from '../core/errors.js';
import { state as stateLayout } from '../machine/glue-layout.js';
import type { Callee, CalleeFunctions } from './callee.js';
import type { GlueInstance } from './glue-instance.js';
import { reportUncaught } from './pending-errors.js';

const indices = {
  serial: stateLayout.serial / 4,
  pendingRequest: stateLayout.pendingRequest / 8,
  deferred: stateLayout.deferred / 4,
  completed: stateLayout.completed / 4,
};

/** Returns the function that handles the request in the state. Its callback may have been closed since. */
export function createCrossThreadHandler(
  { state, functions }: GlueInstance,
  calleeFunctions: CalleeFunctions,
): (callee: Callee | undefined) => void {
  const { u32, u64 } = state;
  const { callFunction, writeResult } = calleeFunctions;

  function run(callee: Callee | undefined): void {
    u32[indices.completed] = 0;
    if (callee === undefined || callee.serial !== u32[indices.serial]) return;
    try {
      const { crossThread, awaitResult } = callee.callbackInterface;
      if (crossThread === 'reject') throw crossThreadError(callee);
      // Read the request now: reading a string argument overwrites the word.
      const request = awaitResult ? u64[indices.pendingRequest]! : 0n;
      const value = callFunction(callee);
      if (awaitResult && isThenable(value)) {
        completeWhenSettled(callee, request, value);
        u32[indices.deferred] = 1;
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
        complete(request, 1);
      })
      .catch((error: unknown) => {
        complete(request, 0);
        reportUncaught(error);
      });
  }

  function complete(request: bigint, completed: 0 | 1): void {
    u64[indices.pendingRequest] = request;
    u32[indices.completed] = completed;
    functions.completeRequest();
  }

  return run;
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
