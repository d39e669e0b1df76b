/**
 * Native calls on a separate stack, the fiber. C runs as a coroutine there: a callback does not enter JavaScript, but
 * returns to it from the function that started or resumed C.
 *
 *     JavaScript               thread's stack        fiber
 *     fiberInvoke()       -->  napi_call_function
 *       fiberBegin()      -->  ................  -->  native function
 *         run callback    <--  ................  <--  callback entry: C is suspended
 *       fiberResume()     -->  ................  -->  C continues
 *                         <--  ................  <--  C returns
 *
 * The state holds the stack pointers of both sides, and each stack the callee-saved registers. Calls nest as those of
 * JavaScript do, so a suspended call is further down the fiber than earlier ones. If JavaScript is terminated before
 * `fiberResume`, `fiberInvoke` resumes the call itself: C must return before anything else happens.
 *
 * Both sides continue by a return, which the processor mispredicts. In guarded pages the target of any other indirect
 * branch must be a landing pad, and there is none after a call (Arm ARM, "Branch Target Identification").
 */
import { callbackInterface, callRecord, entryPaths, state } from '../../glue-layout.js';
import { currentRecord, type Glue } from './parts.js';

/** Callee-saved registers besides x29 and x30: AAPCS64, "Machine Registers". */
const calleeSaved = [
  ...([['x19', 'x20'] as const, ['x21', 'x22'] as const, ['x23', 'x24'] as const] as const),
  ...([['x25', 'x26'] as const, ['x27', 'x28'] as const] as const),
] as const;
const calleeSavedVectors = [
  ...([['d8', 'd9'] as const, ['d10', 'd11'] as const] as const),
  ...([['d12', 'd13'] as const, ['d14', 'd15'] as const] as const),
] as const;
const vectorsOffset = 16 + 16 * calleeSaved.length;
const calleeSavedSize = vectorsOffset + 16 * calleeSavedVectors.length;

/** `fiberInvoke()`: calls the dispatcher, which begins the call in the state and resumes it until it has returned. */
export function emitFiberInvoke(glue: Glue): void {
  const { asm } = glue;
  const [checkReturned, done] = [asm.label(), asm.label()];
  glue.enterWithFrame();
  glue.ldr('x19', 'x21', state.fiberSp);
  glue.set(entryPaths.fiberCall, 'x21', state.entryPath);
  asm.emit('bl <label>', glue.labels.openScope);
  glue.callDispatcher();
  asm.emit('bl <label>', glue.labels.closeScope);
  asm.bind(checkReturned);
  glue.ldr('x11', 'x21', state.fiberSp);
  asm.emit('cmp <Xn>, <Xm>', 'x19', 'x11');
  asm.emit('b.<cond> <label>', 'eq', done);
  glue.set(0, 'x21', state.completed);
  asm.emit('bl <label>', glue.labels.fiberResume);
  asm.emit('b <label>', checkReturned);
  asm.bind(done);
  asm.emit('mov <Xd>, #<imm>', 'x0', 0);
  glue.leave();
}

/** `fiberBegin()`: makes the call in the state. Returns when that has returned or is suspended. */
export function emitFiberBegin(glue: Glue): void {
  const { asm } = glue;
  emitSwitchToFiber(glue);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x19', 'x21', state.call);
  asm.emit('bl <label>', glue.labels.callTarget);
  emitSaveFiberSp(glue);
  glue.set(0, 'x21', state.suspended);
  emitSwitchToThread(glue);
}

/** `fiberResume()`: resumes the suspended call with the result from JavaScript. Returns like `fiberBegin`. */
export function emitFiberResume(glue: Glue): void {
  const { asm } = glue;
  const [errorResult, result] = [asm.label(), asm.label()];
  asm.bind(glue.labels.fiberResume);
  emitSwitchToFiber(glue);
  emitRestoreCalleeSaved(glue);
  glue.ldr('w11', 'x21', state.completed);
  asm.emit('cbz <Wt>, <label>', 'w11', errorResult);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x1', currentRecord[0], currentRecord[1] + callRecord.results);
  asm.bind(result);
  glue.returnResults();
  asm.bind(errorResult);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x1', 'x19', callbackInterface.errorResults);
  asm.emit('b <label>', result);
}

/** Suspends the fiber in the callback entry, with the record filled. */
export function emitYield(glue: Glue): void {
  emitSaveCalleeSaved(glue);
  emitSaveFiberSp(glue);
  glue.set(1, 'x21', state.suspended);
  emitSwitchToThread(glue);
}

/** Switches to the fiber. x29 is preserved for frame-pointer unwinding. */
function emitSwitchToFiber(glue: Glue): void {
  const { asm } = glue;
  asm.emit('bti c');
  emitSaveCalleeSaved(glue);
  asm.emit('mov <Xd|SP>, sp', 'x29');
  glue.loadState();
  glue.str('x29', 'x21', state.threadSp);
  asm.emit('mrs <Xt>, tpidr_el0', 'x11');
  glue.str('x11', 'x21', state.activeThread);
  glue.ldr('x11', 'x21', state.fiberSp);
  asm.emit('mov sp, <Xn|SP>', 'x11');
}

/** Switches to the thread's stack, and returns from the exported function that left it. */
function emitSwitchToThread(glue: Glue): void {
  const { asm } = glue;
  glue.str('xzr', 'x21', state.activeThread);
  glue.ldr('x11', 'x21', state.threadSp);
  asm.emit('mov sp, <Xn|SP>', 'x11');
  emitRestoreCalleeSaved(glue);
  asm.emit('mov <Xd>, #<imm>', 'x0', 0);
  asm.emit('ret');
}

/** Saves the stack pointer at which the next call on the fiber begins, or this one resumes. */
function emitSaveFiberSp(glue: Glue): void {
  glue.asm.emit('mov <Xd|SP>, sp', 'x11');
  glue.str('x11', 'x21', state.fiberSp);
}

function emitSaveCalleeSaved({ asm }: Glue): void {
  asm.emit('stp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]!', 'x29', 'x30', 'sp', -calleeSavedSize);
  for (const [index, [first, second]] of calleeSaved.entries())
    asm.emit('stp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]', first, second, 'sp', 16 + 16 * index);
  for (const [index, [first, second]] of calleeSavedVectors.entries())
    asm.emit('stp <Dt1>, <Dt2>, [<Xn|SP>, #<simm>]', first, second, 'sp', vectorsOffset + 16 * index);
}

function emitRestoreCalleeSaved({ asm }: Glue): void {
  for (const [index, [first, second]] of calleeSavedVectors.entries())
    asm.emit('ldp <Dt1>, <Dt2>, [<Xn|SP>, #<simm>]', first, second, 'sp', vectorsOffset + 16 * index);
  for (const [index, [first, second]] of calleeSaved.entries())
    asm.emit('ldp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]', first, second, 'sp', 16 + 16 * index);
  asm.emit('ldp <Xt1>, <Xt2>, [<Xn|SP>], #<simm>', 'x29', 'x30', 'sp', calleeSavedSize);
}
