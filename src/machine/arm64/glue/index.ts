/**
 * The glue between C and JavaScript: fixed bytes, the same in every process and thread. All that differs stands in
 * the constants and the state behind it, whose layout glue-layout.ts tells.
 */
import { type ExportName, exportNames } from '../../glue-layout.js';
import type { GlueCode } from '../../machine.js';
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

const exported: Readonly<Record<ExportName, (glue: Glue) => void>> = {
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
};

/** Functions begin where processors fetch best. */
const alignment = 16;

export function glue(constantsAt: number): GlueCode {
  const glue = new Glue(constantsAt);
  const { asm } = glue;
  const begin = (): number => {
    asm.padTo(Math.ceil(asm.position / alignment) * alignment);
    return asm.position;
  };
  const closureAt = begin();
  emitClosure(glue);
  const functions = exportNames.map((name) => {
    const label = asm.label(begin());
    exported[name](glue);
    return [name, label] as const;
  });
  const initialiseAt = begin();
  emitInitialise(glue, functions);
  glue.emitScopes();
  glue.emitCopy();
  for (const emit of [emitPerform, emitJob, emitRequests, emitAnswer, emitUnlink, emitFinish, emitEnded]) {
    begin();
    emit(glue);
  }
  emitLock(glue);
  glue.emitTexts();
  return { key: 'closure-glue', bytes: asm.finish(), closureAt, initialiseAt };
}
