/** Calls of native functions whose arguments are in the state: on this thread, or on a thread of libuv's pool. */

import {
  asyncCall,
  nativeCall as callLayout,
  callRecord,
  state as stateLayout,
} from '../machine/glue-layout.js';
import { free, mallocBytes } from '../native/heap.js';
import type { CallInterface, CallMode } from './call-interface.js';
import { createEntries } from './entries.js';
import { throwOnNapiError } from './glue-instance.js';
import { type Marshaller, mayPinMemory } from './marshal.js';
import { type Runtime, runtime } from './runtime.js';
import { pinned, takePinned } from './scalars.js';

export interface NativeInvoker extends Marshaller {
  readonly state: Runtime['state'];
  /** Makes the call. Throws the first error that a callback threw during the call. */
  invoke(callInterface: CallInterface): void;
  /** Returns a function that makes the call and reads its result, which must be in registers. */
  bind(callInterface: CallInterface): () => unknown;
  /** Makes the call on a thread of libuv's pool. `done` runs when the results are in the state. */
  invokeAsync(callInterface: CallInterface, done: () => void): void;
}

/** Index in `GlueState.i32` of the last `errno` that was saved. */
export const errnoIndex = (stateLayout.call + callLayout.errno) / 4;

const readVoid = (): undefined => undefined;

let instance: NativeInvoker | undefined;

export function nativeInvoker(): NativeInvoker {
  instance ??= createInvoker(runtime());
  return instance;
}

function createInvoker(runtime: Runtime): NativeInvoker {
  const { state, marshaller, functions, asyncCompletions, errors } = runtime;
  const { invokeOnThread, invokeOnFiber, invokeFast } = createEntries(runtime, errors);
  const { u32, u64, bytes } = state;
  const { readerFor } = marshaller;
  const callHeader = u32.subarray(stateLayout.call / 4, (stateLayout.call + callLayout.errno) / 4);
  let nextId = 0;

  /** In the order of `nativeCall` in glue-layout.ts; with literal indices, so that V8 inlines it. */
  function writeCallHeader({ targetLo, targetHi, stackSize, flags }: CallInterface): void {
    callHeader[0] = targetLo;
    callHeader[1] = targetHi;
    callHeader[2] = stackSize;
    callHeader[3] = flags;
  }

  function invoke(callInterface: CallInterface): void {
    writeCallHeader(callInterface);
    if (pinned.length > 0) invokePinned(callInterface);
    else enter(callInterface.mode);
  }

  function enter(mode: CallMode): void {
    if (mode === 'thread') invokeOnThread();
    else if (mode === 'fast') invokeFast();
    else invokeOnFiber();
  }

  function bind(callInterface: CallInterface): () => unknown {
    const { result, mode } = callInterface;
    const readResult = result === undefined ? readVoid : readerFor(result);
    if (mode === 'fiber' || callInterface.args.some(mayPinMemory)) {
      return () => {
        invoke(callInterface);
        return readResult();
      };
    }
    // Nothing can be pinned, and no fiber stack is needed: the checks of `invoke` are left out.
    if (mode === 'fast') {
      return () => {
        writeCallHeader(callInterface);
        invokeFast();
        return readResult();
      };
    }
    return () => {
      writeCallHeader(callInterface);
      invokeOnThread();
      return readResult();
    };
  }

  /** Only this frame refers to the pinned values, so they are released even if JavaScript is terminated. */
  function invokePinned({ mode }: CallInterface): void {
    const retained = takePinned();
    enter(mode);
    retained.length = 0;
  }

  function invokeAsync(callInterface: CallInterface, done: () => void): void {
    writeCallHeader(callInterface);
    const retained = takePinned();
    const id = nextId++ >>> 0;
    const length = callLayout.record + callRecord.stack + callInterface.stackSize;
    const block = new Uint8Array(asyncCall.call + length);
    block.set(bytes.subarray(stateLayout.call, stateLayout.call + length), asyncCall.call);
    new DataView(block.buffer).setUint32(asyncCall.id, id, true);
    const address = mallocBytes(block);
    asyncCompletions.set(id, () => {
      asyncCompletions.delete(id);
      retained.length = 0;
      done();
    });
    u64[stateLayout.pendingRequest / 8] = address;
    functions.queueAsync('trampfd');
    try {
      throwOnNapiError(state);
    } catch (error) {
      asyncCompletions.delete(id);
      free(address);
      throw error;
    }
  }

  return { ...marshaller, state, invoke, bind, invokeAsync };
}
