/** The JavaScript side of the glue, one for each thread: live callbacks, the dispatcher, and pending errors. */
import { state as stateLayout } from '../machine/glue-layout.js';
import { type Callee, createCalleeFunctions } from './callee.js';
import { createCrossThreadHandler } from './cross-thread.js';
import { createDispatcher } from './dispatcher.js';
import { createGlue, type GlueInstance } from './glue-instance.js';
import { createMarshaller, type Marshaller } from './marshal.js';
import { createPendingErrors, type PendingErrors } from './pending-errors.js';

export interface Runtime extends GlueInstance {
  readonly errors: PendingErrors;
  readonly marshaller: Marshaller;
  /** Live callbacks by slot number. */
  readonly liveCallbacks: (Callee | undefined)[];
  /** The actions to take when native calls on other threads have returned, by id. */
  readonly asyncCompletions: Map<number, () => void>;
}

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
  const marshaller = createMarshaller(state, (address) => {
    state.u64[stateLayout.pendingRequest / 8] = address;
    return (functions.readCString as () => string)();
  });
  const calleeFunctions = createCalleeFunctions(marshaller);
  const errors = createPendingErrors(glue);
  const dispatch = createDispatcher(glue, errors, {
    ...calleeFunctions,
    liveCallbacks,
    asyncCompletions,
    runFromOtherThread: createCrossThreadHandler(glue, calleeFunctions),
  });
  glue.attach(dispatch);
  // Registered before the program's own 'exit' listeners: those may wait for threads that wait for a callback.
  process.prependListener('exit', () => functions.shutdown());
  return { ...glue, errors, marshaller, liveCallbacks, asyncCompletions };
}
