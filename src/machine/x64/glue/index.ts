/** The glue between C and JavaScript: the parts of this architecture. */
import { assembleGlue, type GlueParts } from '../../assemble-glue.js';
import type { GlueCode } from '../../machine.js';
import type { Label } from '../asm/operands.js';
import { emitCallbackEntry } from './callback.js';
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

const parts: GlueParts<Glue, Label> = {
  callbackEntry: emitCallbackEntry,
  exportedFunctions: {
    attach: emitAttach,
    completeRequest: emitCompleteRequest,
    fiberBegin: emitFiberBegin,
    fiberInvoke: emitFiberInvoke,
    fiberResume: emitFiberResume,
    invoke: emitInvoke,
    queueAsync: emitQueueAsync,
    readCString: emitReadCString,
    setRef: emitSetRef,
    shutdown: emitShutdown,
  },
  initialise: emitInitialise,
  subroutines: [
    (glue) => glue.emitHandleScopes(),
    ...[
      emitCallTarget,
      emitAsyncCall,
      emitHandleRequest,
      emitUnlinkAndComplete,
      emitUnlink,
      emitDeliverResult,
      emitCleanupHook,
      emitLock,
    ],
    (glue) => glue.emitStringTable(),
  ],
};

export function glue(constantsOffset: number): GlueCode {
  return assembleGlue(new Glue(constantsOffset), parts);
}
