import { assembleGlue, type GlueEmitters } from '../../assemble-glue.js';
import type { GlueCode } from '../../ffi-code.js';
import { emitCallbackEntry } from './callback.js';
import { emitFastCall, emitFastCallToMemory, emitInvokeFast } from './fast-call.js';
import { emitFiberBegin, emitFiberInvoke, emitFiberResume } from './fiber-stack.js';
import { emitAttach, emitInitialise, emitReadCString, emitSetRef } from './module.js';
import { emitAsyncCall, emitCallTarget, emitInvoke, emitQueueAsync } from './native-call.js';
import { Glue } from './parts.js';
import {
  emitCleanupHook,
  emitCompleteRequest,
  emitDeliverResult,
  emitHandleRequest,
  emitLock,
  emitShutdown,
  emitUnlink,
  emitUnlinkAndComplete,
} from './requests.js';

const emitters: GlueEmitters<Glue> = {
  callbackEntry: emitCallbackEntry,
  initialise: emitInitialise,

  attach: emitAttach,
  completeRequest: emitCompleteRequest,
  fiberBegin: emitFiberBegin,
  fiberInvoke: emitFiberInvoke,
  fiberResume: emitFiberResume,
  invoke: emitInvoke,
  invokeFast: emitInvokeFast,
  queueAsync: emitQueueAsync,
  readCString: emitReadCString,
  setRef: emitSetRef,
  shutdown: emitShutdown,

  fastCall: emitFastCall,
  fastCallToMemory: emitFastCallToMemory,
  emptyCallback: ({ asm }) => {
    asm.emit('bti c');
    asm.emit('ret');
  },

  handleScopes: (glue) => glue.emitHandleScopes(),
  copyBytes: (glue) => glue.emitCopy(),
  callTarget: emitCallTarget,
  asyncCall: emitAsyncCall,
  handleRequest: emitHandleRequest,
  unlinkAndComplete: emitUnlinkAndComplete,
  unlink: emitUnlink,
  deliverResult: emitDeliverResult,
  cleanupHook: emitCleanupHook,
  lock: emitLock,
};

export function glue(): GlueCode {
  return assembleGlue(new Glue(), emitters);
}
