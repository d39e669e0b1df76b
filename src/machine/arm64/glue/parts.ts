/**
 * Operands and instruction sequences that the parts of the glue share. Register use, unless a part specifies another
 * one: x19 is the interface of a callback, a request or a call, x20 a frame, x21 the state. They are callee-saved. x9
 * to x17 are free between calls. The stack pointer is always a multiple of 16: AAPCS64, "The stack".
 */
import { GlueBase } from '../../assemble-glue.js';
import {
  argumentCopy,
  callbackInterface,
  callFlags,
  callRecord,
  callsPerHandleScope,
  constants,
  frame,
  type GlueData,
  glueData,
  nativeCall,
  state,
  stateOffset,
} from '../../glue-layout.js';
import { Assembler } from '../asm/assembler.js';
import type { Fpr64, Gpr32, Gpr64, Gpr64Sp, Label, LabelRef } from '../asm/operands.js';

/**
 * AAPCS64, "Parameter passing" and "Result return": x8 is the address of a result in memory; others are in x0, x1, v0
 * to v3.
 */
const argumentPairs = [
  ...([['x0', 'x1'] as const, ['x2', 'x3'] as const] as const),
  ...([['x4', 'x5'] as const, ['x6', 'x7'] as const] as const),
] as const;
const vectorPairs = [
  ...([['d0', 'd1'] as const, ['d2', 'd3'] as const] as const),
  ...([['d4', 'd5'] as const, ['d6', 'd7'] as const] as const),
] as const;
const resultPairs = vectorPairs.slice(0, 2);
const indirectResultOffset = callRecord.general + 8 * 8;

/** Bytes that `enter` pushes. */
const prologueSize = 48;

/** A register that can be a base register in every instruction. */
export type BaseRegister = Exclude<Gpr64, 'xzr'>;

/** Location of a record: a base register and an offset in bytes. */
export type RecordLocation = readonly [base: BaseRegister, offset: number];

/** The record of the current call. */
export const currentRecord: RecordLocation = ['x21', state.call + nativeCall.record];

export class Glue extends GlueBase<Assembler> {
  readonly #constants: Label;
  readonly #state: Label;

  readonly #data: GlueData;

  constructor(data: GlueData = glueData) {
    super(new Assembler());
    this.#data = data;
    this.#constants = this.asm.label(data.constantsOffset);
    this.#state = this.asm.label(data.constantsOffset + stateOffset);
  }

  constant(addend: number): LabelRef {
    return { to: this.#constants, addend };
  }

  ldr(register: Gpr64 | Gpr32, base: Gpr64Sp, offset: number): void {
    if (isWide(register)) this.asm.emit('ldr <Xt>, [<Xn|SP>, #<pimm>]', register, base, offset);
    else this.asm.emit('ldr <Wt>, [<Xn|SP>, #<pimm>]', register, base, offset);
  }

  str(register: Gpr64 | Gpr32, base: Gpr64Sp, offset: number): void {
    if (isWide(register)) this.asm.emit('str <Xt>, [<Xn|SP>, #<pimm>]', register, base, offset);
    else this.asm.emit('str <Wt>, [<Xn|SP>, #<pimm>]', register, base, offset);
  }

  /** Stores a number of at most 16 bits in 4 bytes. Uses x11. */
  set(value: number, base: Gpr64Sp, offset: number): void {
    if (value !== 0) this.asm.emit('mov <Wd>, #<imm>', 'w11', value);
    this.str(value === 0 ? 'wzr' : 'w11', base, offset);
  }

  /** Calls a Node-API function with the environment as first argument. The others are loaded already. */
  callNapi(name: string): void {
    this.asm.emit('ldr <Xt>, <label>', 'x0', this.constant(constants.env));
    this.callImport(name);
  }

  /** The address of an imported function. */
  import(name: string): LabelRef {
    return this.constant(this.#data.importOffset(name));
  }

  callImport(name: string): void {
    this.asm.emit('ldr <Xt>, <label>', 'x16', this.import(name));
    this.asm.emit('blr <Xn>', 'x16');
  }

  /** Stores the arguments of a callback, whose interface is at x19, in a record. Uses x0 to x5 and x11. */
  saveArguments(location: RecordLocation): void {
    const { asm } = this;
    const [base, offset] = location;
    const [noVectors, noStack, nextCopy, done] = [asm.label(), asm.label(), asm.label(), asm.label()];
    for (const [index, [first, second]] of argumentPairs.entries())
      asm.emit(
        'stp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]',
        first,
        second,
        base,
        offset + callRecord.general + 16 * index,
      );
    this.ldr('w11', 'x19', callbackInterface.flags);
    asm.emit('tbz <Wt>, #<bit>, <label>', 'w11', bitIndex(callFlags.vectors), noVectors);
    this.#storeVectors(vectorPairs, base, offset + callRecord.vector);
    asm.bind(noVectors);
    this.ldr('w2', 'x19', callbackInterface.stackSize);
    asm.emit('cbz <Wt>, <label>', 'w2', noStack);
    asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x0', base, offset + callRecord.stack);
    asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x1', 'x29', prologueSize);
    asm.emit('bl <label>', this.labels.copyBytes);
    asm.bind(noStack);
    this.ldr('w3', 'x19', callbackInterface.copiesOffset);
    asm.emit('cbz <Wt>, <label>', 'w3', done);
    asm.emit('add <Xd>, <Xn>, <Xm>', 'x3', 'x19', 'x3');
    asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x4', base, offset);
    asm.bind(nextCopy);
    this.ldr('w2', 'x3', argumentCopy.size);
    asm.emit('cbz <Wt>, <label>', 'w2', done);
    this.ldr('w5', 'x3', argumentCopy.address);
    asm.emit('ldr <Xt>, [<Xn|SP>, <Xm>]', 'x1', 'x4', 'x5');
    this.ldr('w5', 'x3', argumentCopy.to);
    asm.emit('add <Xd>, <Xn>, <Xm>', 'x0', 'x4', 'x5');
    asm.emit('bl <label>', this.labels.copyBytes);
    asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x3', 'x3', argumentCopy.length);
    asm.emit('b <label>', nextCopy);
    asm.bind(done);
  }

  loadVectors([base, offset]: RecordLocation): void {
    this.#loadVectors(vectorPairs, base, offset + callRecord.vector);
  }

  loadGeneral([base, offset]: RecordLocation): void {
    const { asm } = this;
    for (const [index, [first, second]] of argumentPairs.entries())
      asm.emit(
        'ldp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]',
        first,
        second,
        base,
        offset + callRecord.general + 16 * index,
      );
    this.ldr('x8', base, offset + indirectResultOffset);
  }

  saveResults([base, offset]: RecordLocation): void {
    this.asm.emit('stp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]', 'x0', 'x1', base, offset + callRecord.results);
    this.#storeVectors(resultPairs, base, offset + callRecord.vectorResults);
  }

  /** Loads the results at x1. */
  loadResults(): void {
    this.#loadVectors(resultPairs, 'x1', callRecord.vectorResults - callRecord.results);
    this.asm.emit('ldp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]', 'x0', 'x1', 'x1', 0);
  }

  #storeVectors(pairs: RegisterPairs, base: BaseRegister, offset: number): void {
    for (const [index, [first, second]] of pairs.entries())
      this.asm.emit('stp <Dt1>, <Dt2>, [<Xn|SP>, #<simm>]', first, second, base, offset + 16 * index);
  }

  #loadVectors(pairs: RegisterPairs, base: BaseRegister, offset: number): void {
    for (const [index, [first, second]] of pairs.entries())
      this.asm.emit('ldp <Dt1>, <Dt2>, [<Xn|SP>, #<simm>]', first, second, base, offset + 16 * index);
  }

  /**
   * Returns from a callback, whose interface is at x19, with the results at x1. A result in memory follows them there.
   */
  returnResults(): void {
    const { asm } = this;
    const inMemory = asm.label();
    this.ldr('w2', 'x19', callbackInterface.resultSize);
    asm.emit('cbnz <Wt>, <label>', 'w2', inMemory);
    this.loadResults();
    this.leave();
    asm.bind(inMemory);
    asm.emit('mov <Xd>, <Xm>', 'x0', 'x22');
    asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x1', 'x1', callRecord.stack - callRecord.results);
    asm.emit('bl <label>', this.labels.copyBytes);
    this.leave();
  }

  /** Calls the dispatcher in the scope of the frame at x20. The status is in w0. */
  callDispatcher(): void {
    const { asm } = this;
    this.ldr('x1', 'x20', frame.dispatcher);
    asm.emit('mov <Xd>, <Xm>', 'x2', 'x1');
    for (const register of ['x3', 'x4', 'x5'] as const) asm.emit('mov <Xd>, #<imm>', register, 0);
    this.callNapi('napi_call_function');
  }

  /** Begins a function: x19, x20 and x22 are free to use, and x21 is the address of the state. */
  enter(): void {
    const { asm } = this;
    asm.emit('bti c');
    asm.emit('stp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]!', 'x29', 'x30', 'sp', -prologueSize);
    asm.emit('mov <Xd|SP>, sp', 'x29');
    asm.emit('stp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]', 'x19', 'x20', 'sp', 16);
    asm.emit('stp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]', 'x21', 'x22', 'sp', 32);
    this.loadState();
  }

  loadState(): void {
    this.asm.emit('adr <Xd>, <label>', 'x21', this.#state);
  }

  /** Begins a function with a frame at x20. */
  enterWithFrame(): void {
    this.enter();
    this.pushFrame();
  }

  /** Pushes a frame without a scope. x20 is its address. */
  pushFrame(): void {
    const { asm } = this;
    asm.emit('sub <Xd|SP>, <Xn|SP>, #<imm>', 'sp', 'sp', frame.size);
    asm.emit('mov <Xd|SP>, sp', 'x20');
    this.str('xzr', 'x20', frame.handleScope);
    this.str('wzr', 'x20', frame.callsLeft);
  }

  /** Ends a function that began with `enter`, whatever else is on the stack. */
  leave(): void {
    const { asm } = this;
    asm.emit('mov sp, <Xn|SP>', 'x29');
    asm.emit('ldp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]', 'x19', 'x20', 'sp', 16);
    asm.emit('ldp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]', 'x21', 'x22', 'sp', 32);
    asm.emit('ldp <Xt1>, <Xt2>, [<Xn|SP>], #<simm>', 'x29', 'x30', 'sp', prologueSize);
    asm.emit('ret');
  }

  /** Begins a subroutine that calls others, with `localSize` bytes of local variables at x29 + 16. */
  push(localSize = 0): void {
    const { asm } = this;
    asm.emit('stp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]!', 'x29', 'x30', 'sp', -16 - localSize);
    asm.emit('mov <Xd|SP>, sp', 'x29');
  }

  /** Ends a subroutine that began with `push`. */
  pop(localSize = 0): void {
    const { asm } = this;
    asm.emit('ldp <Xt1>, <Xt2>, [<Xn|SP>], #<simm>', 'x29', 'x30', 'sp', 16 + localSize);
    asm.emit('ret');
  }

  /** Releases the lock with release semantics: the next owner sees all writes. Uses x11. */
  unlock(): void {
    this.asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x11', 'x21', state.lock);
    this.asm.emit('stlr <Wt>, [<Xn|SP>]', 'wzr', 'x11');
  }

  /** Subroutines that open a new scope for the frame at x20, in place of an older one, and that close it. */
  emitHandleScopes(): void {
    const { asm } = this;
    const noScope = asm.label();
    asm.bind(this.labels.openScope);
    this.push();
    this.ldr('x1', 'x20', frame.handleScope);
    asm.emit('cbz <Xt>, <label>', 'x1', noScope);
    this.callNapi('napi_close_handle_scope');
    asm.bind(noScope);
    asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x1', 'x20', frame.handleScope);
    this.callNapi('napi_open_handle_scope');
    asm.emit('ldr <Xt>, <label>', 'x1', this.constant(constants.dispatcher));
    asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x2', 'x20', frame.dispatcher);
    this.callNapi('napi_get_reference_value');
    this.set(callsPerHandleScope - 1, 'x20', frame.callsLeft);
    this.pop();

    asm.bind(this.labels.closeScope);
    this.push();
    this.ldr('x1', 'x20', frame.handleScope);
    this.callNapi('napi_close_handle_scope');
    this.pop();
  }

  /** Subroutine: copies exactly x2 bytes from x1 to x0. Uses x11. */
  emitCopy(): void {
    const { asm } = this;
    const [wordLoop, byteTail, byteLoop, done] = [asm.label(), asm.label(), asm.label(), asm.label()];
    asm.bind(this.labels.copyBytes);
    asm.emit('subs <Xd>, <Xn|SP>, #<imm>', 'x2', 'x2', 8);
    asm.emit('b.<cond> <label>', 'cc', byteTail);
    asm.bind(wordLoop);
    asm.emit('ldr <Xt>, [<Xn|SP>], #<simm>', 'x11', 'x1', 8);
    asm.emit('str <Xt>, [<Xn|SP>], #<simm>', 'x11', 'x0', 8);
    asm.emit('subs <Xd>, <Xn|SP>, #<imm>', 'x2', 'x2', 8);
    asm.emit('b.<cond> <label>', 'cs', wordLoop);
    asm.bind(byteTail);
    asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x2', 'x2', 8);
    asm.bind(byteLoop);
    asm.emit('cbz <Xt>, <label>', 'x2', done);
    asm.emit('ldrb <Wt>, [<Xn|SP>], #<simm>', 'w11', 'x1', 1);
    asm.emit('strb <Wt>, [<Xn|SP>], #<simm>', 'w11', 'x0', 1);
    asm.emit('sub <Xd|SP>, <Xn|SP>, #<imm>', 'x2', 'x2', 1);
    asm.emit('b <label>', byteLoop);
    asm.bind(done);
    asm.emit('ret');
  }
}

type RegisterPairs = readonly (readonly [Fpr64, Fpr64])[];

/** Returns the number of the only bit of a mask. */
export function bitIndex(mask: number): number {
  return Math.log2(mask);
}

function isWide(register: Gpr64 | Gpr32): register is Gpr64 {
  return register.startsWith('x');
}
