/**
 * Native calls on a stack of their own. C is a coroutine of JavaScript there: a closure that it calls need not enter
 * JavaScript, since JavaScript only has to come back from the function that let C run.
 *
 *     JavaScript               thread's stack    own stack
 *     carry()             -->  napi_call_function
 *       begin()           -->  ............  -->  the native function
 *         answer          <--  ............  <--  a closure's entry: C waits
 *       resume()          -->  ............  -->  C goes on
 *                         <--  ............  <--  C returns
 *
 * The stack pointers of both sides wait in the state, and on each stack what functions keep for their callers. Calls are
 * nested as JavaScript's are, so whoever waits on the own stack waits below those who began earlier. `carry` stands
 * around it all for the case that JavaScript is terminated and never comes to `resume`: C must return before anything
 * else happens.
 *
 * Each side goes on by a return, although processors predict returns by the calls before and are wrong here: where
 * pages are guarded, any other branch must find a landing pad, and behind a call there is none (Arm ARM, "Branch Target
 * Identification").
 */
import { callbackInterface, callRecord, entryPaths, state } from '../../glue-layout.js';
import { currentRecord, type Glue } from './parts.js';

/** What a function keeps for its caller, besides x29 and x30: AAPCS64, "Machine Registers". */
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

/** `carry()`: asks the dispatcher to `begin` the call in the state, and to `resume` it until it has returned. */
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

/** `begin()`: makes the call that is in the state. Returns when it has, or when it waits. */
export function emitFiberBegin(glue: Glue): void {
  const { asm } = glue;
  emitSwitchToFiber(glue);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x19', 'x21', state.call);
  asm.emit('bl <label>', glue.labels.callTarget);
  emitSaveFiberSp(glue);
  glue.set(0, 'x21', state.suspended);
  emitSwitchToThread(glue);
}

/** `resume()`: lets the call that waits go on, with what JavaScript answered. Returns like `begin`. */
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

/** In a closure's entry, with the record filled: waits for the answer. */
export function emitYield(glue: Glue): void {
  emitSaveCalleeSaved(glue);
  emitSaveFiberSp(glue);
  glue.set(1, 'x21', state.suspended);
  emitSwitchToThread(glue);
}

/** Leaves the thread's stack. x29 stays what it is, for those who follow frames. */
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

/** Returns on the thread's stack, from whichever of the functions it was left by. */
function emitSwitchToThread(glue: Glue): void {
  const { asm } = glue;
  glue.str('xzr', 'x21', state.activeThread);
  glue.ldr('x11', 'x21', state.threadSp);
  asm.emit('mov sp, <Xn|SP>', 'x11');
  emitRestoreCalleeSaved(glue);
  asm.emit('mov <Xd>, #<imm>', 'x0', 0);
  asm.emit('ret');
}

/** Whoever comes next on the own stack begins, or goes on, here. */
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
