/** Calls of native functions whose arguments stand in the state: at once, or on another thread. */

import {
  asyncCall,
  nativeCall as callLayout,
  callRecord,
  state as stateLayout,
} from '../machine/glue-layout.js';
import { free, mallocBytes } from '../native/heap.js';
import type { CallInterface } from './call-interface.js';
import { throwOnNapiError } from './glue-instance.js';
import { type Marshaller, mayPinMemory, pinned, takePinned } from './marshal.js';
import { type Runtime, runtime } from './runtime.js';

export interface NativeInvoker extends Marshaller {
  readonly state: Runtime['state'];
  /** Makes the call. Throws what was thrown by closures that it called. */
  invoke(callInterface: CallInterface): void;
  /** A function that makes the call and reads its result, which is not in memory. */
  bind(callInterface: CallInterface): () => unknown;
  /** Makes the call on another thread. `done` finds the results in the state. */
  invokeAsync(callInterface: CallInterface, done: () => void): void;
}

/** Where, among numbers of 4 bytes, the last `errno` stands that was asked for. */
export const errnoIndex = (stateLayout.call + callLayout.errno) / 4;

const readVoid = (): undefined => undefined;

let instance: NativeInvoker | undefined;

export function nativeInvoker(): NativeInvoker {
  instance ??= createInvoker(runtime());
  return instance;
}

function createInvoker({
  state,
  marshaller,
  functions,
  asyncCompletions,
  invokeOnThread,
  invokeOnFiber,
}: Runtime): NativeInvoker {
  const { u32, u64, bytes } = state;
  const { readerFor } = marshaller;
  const callHeader = u32.subarray(stateLayout.call / 4, (stateLayout.call + callLayout.errno) / 4);
  let nextId = 0;

  /** In the order of `call` of the layout; by plain numbers, so that V8 puts it into every caller. */
  function writeCallHeader({ targetLo, targetHi, stackSize, flags }: CallInterface): void {
    callHeader[0] = targetLo;
    callHeader[1] = targetHi;
    callHeader[2] = stackSize;
    callHeader[3] = flags;
  }

  function invoke(callInterface: CallInterface): void {
    writeCallHeader(callInterface);
    if (pinned.length > 0) invokePinned(callInterface);
    else if (callInterface.onFiber) invokeOnFiber();
    else invokeOnThread();
  }

  function bind(callInterface: CallInterface): () => unknown {
    const { result, onFiber } = callInterface;
    const readResult = result === undefined ? readVoid : readerFor(result);
    if (onFiber || callInterface.args.some(mayPinMemory)) {
      return () => {
        invoke(callInterface);
        return readResult();
      };
    }
    // Nothing is pinned, and the stack is there: no more than this has to be looked at.
    return () => {
      writeCallHeader(callInterface);
      invokeOnThread();
      return readResult();
    };
  }

  /** They are kept by this function alone, so that they go with it also when JavaScript is terminated. */
  function invokePinned({ onFiber }: CallInterface): void {
    const retained = takePinned();
    if (onFiber) invokeOnFiber();
    else invokeOnThread();
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
