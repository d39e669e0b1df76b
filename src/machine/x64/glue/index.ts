/** The glue between C and JavaScript: the parts of this architecture. */
import { assembleGlue, type GlueParts } from '../../glue-code.js';
import type { GlueCode } from '../../machine.js';
import type { Label } from '../operands.js';
import { emitClosure } from './closure.js';
import { emitAttach, emitHold, emitInitialise, emitText } from './module.js';
import { emitInvoke, emitJob, emitPerform, emitStart } from './native-call.js';
import { emitBegin, emitCarry, emitResume } from './own-stack.js';
import { Glue } from './parts.js';
import {
  emitAnswer,
  emitDismiss,
  emitEnded,
  emitFinish,
  emitLock,
  emitRequests,
  emitSettle,
  emitUnlink,
} from './requests.js';

const parts: GlueParts<Glue, Label> = {
  closure: emitClosure,
  exported: {
    attach: emitAttach,
    begin: emitBegin,
    carry: emitCarry,
    dismiss: emitDismiss,
    hold: emitHold,
    invoke: emitInvoke,
    resume: emitResume,
    settle: emitSettle,
    start: emitStart,
    text: emitText,
  },
  initialise: emitInitialise,
  others: [
    (glue) => glue.emitScopes(),
    ...[emitPerform, emitJob, emitRequests, emitAnswer, emitUnlink, emitFinish, emitEnded, emitLock],
    (glue) => glue.emitTexts(),
  ],
};

export function glue(constantsAt: number): GlueCode {
  return assembleGlue(new Glue(constantsAt), parts);
}
