/** Calls of native functions whose arguments stand in the state: at once, or on another thread. */
import { allocate, release } from '../linux/heap.js';
import { call as callLayout, job, state as layout, record } from '../machine/glue-layout.js';
import { checkStatus } from './environment.js';
import type { Plan } from './plans.js';
import { type Runtime, runtime } from './runtime.js';
import { mayPin, pins, takePins, type Values } from './values.js';

export interface Calls extends Values {
  readonly state: Runtime['state'];
  /** Makes the call. Throws what was thrown by closures that it called. */
  make(plan: Plan): void;
  /** A function that makes the call and reads its result, which is not in memory. */
  maker(plan: Plan): () => unknown;
  /** Makes the call on another thread. `done` finds the results in the state. */
  start(plan: Plan, done: () => void): void;
}

/** Where, among numbers of 4 bytes, the last `errno` stands that was asked for. */
export const errnoAt = (layout.call + callLayout.errno) / 4;

const nothing = (): undefined => undefined;

let opened: Calls | undefined;

export function calls(): Calls {
  opened ??= callsOf(runtime());
  return opened;
}

function callsOf({ state, values, functions, jobs, invoke, carry }: Runtime): Calls {
  const { u32, u64, bytes } = state;
  const { reader } = values;
  const description = u32.subarray(layout.call / 4, (layout.call + callLayout.errno) / 4);
  let tokens = 0;

  /** In the order of `call` of the layout; by plain numbers, so that V8 puts it into every caller. */
  function describe({ low, high, stackSize, flags }: Plan): void {
    description[0] = low;
    description[1] = high;
    description[2] = stackSize;
    description[3] = flags;
  }

  function make(plan: Plan): void {
    describe(plan);
    if (pins.length > 0) withPins(plan);
    else if (plan.ownStack) carry();
    else invoke();
  }

  function maker(plan: Plan): () => unknown {
    const { result, ownStack } = plan;
    const read = result === undefined ? nothing : reader(result);
    if (ownStack || plan.args.some(mayPin)) {
      return () => {
        make(plan);
        return read();
      };
    }
    // Nothing is pinned, and the stack is there: no more than this has to be looked at.
    return () => {
      describe(plan);
      invoke();
      return read();
    };
  }

  /** They are kept by this function alone, so that they go with it also when JavaScript is terminated. */
  function withPins({ ownStack }: Plan): void {
    const kept = takePins();
    if (ownStack) carry();
    else invoke();
    kept.length = 0;
  }

  function start(plan: Plan, done: () => void): void {
    describe(plan);
    const kept = takePins();
    const token = tokens++ >>> 0;
    const length = callLayout.record + record.stack + plan.stackSize;
    const block = new Uint8Array(job.call + length);
    block.set(bytes.subarray(layout.call, layout.call + length), job.call);
    new DataView(block.buffer).setUint32(job.token, token, true);
    const address = allocate(block);
    jobs.set(token, () => {
      jobs.delete(token);
      kept.length = 0;
      done();
    });
    u64[layout.request / 8] = address;
    functions.start('trampfd');
    try {
      checkStatus(state);
    } catch (error) {
      jobs.delete(token);
      release(address);
      throw error;
    }
  }

  return { ...values, state, make, maker, start };
}
