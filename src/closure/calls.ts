/** Calls of native functions whose arguments stand in the state: at once, or on another thread. */
import { allocate, release } from '../linux/heap.js';
import { call as callLayout, job, state as layout, record } from '../machine/glue-layout.js';
import { checkStatus } from './environment.js';
import type { Plan } from './plans.js';
import { type Runtime, runtime } from './runtime.js';
import { pins, takePins, type Values } from './values.js';

export interface Calls extends Values {
  readonly state: Runtime['state'];
  /** Makes the call. Throws what was thrown by closures that it called. */
  make(plan: Plan): void;
  /** The same, and reads the result: it is not in memory. */
  run(plan: Plan): unknown;
  /** Makes the call on another thread. `done` finds the results in the state. */
  start(plan: Plan, done: () => void): void;
}

const at = {
  target: (layout.call + callLayout.target) / 4,
  stackSize: (layout.call + callLayout.stackSize) / 4,
  flags: (layout.call + callLayout.flags) / 4,
};
/** Where, among numbers of 4 bytes, the last `errno` stands that was asked for. */
export const errnoAt = (layout.call + callLayout.errno) / 4;

let opened: Calls | undefined;

export function calls(): Calls {
  opened ??= callsOf(runtime());
  return opened;
}

function callsOf({ state, values, functions, jobs, invoke, carry }: Runtime): Calls {
  const { u32, u64, bytes } = state;
  const { read } = values;
  let tokens = 0;

  function describe({ low, high, stackSize, flags }: Plan): void {
    u32[at.target] = low;
    u32[at.target + 1] = high;
    u32[at.stackSize] = stackSize;
    u32[at.flags] = flags;
  }

  function make(plan: Plan): void {
    describe(plan);
    if (pins.length > 0) withPins(plan);
    else if (plan.ownStack) carry();
    else invoke();
  }

  function run(plan: Plan): unknown {
    make(plan);
    const { result } = plan;
    return result === undefined ? undefined : read(result);
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

  return { ...values, state, make, run, start };
}
