/**
 * The code of supervised objects. Instruction fetches are not coherent with data caches, and the supervisor cannot
 * synchronize the processors of other processes. So all code is written before the object is mapped, and a body is
 * data: a list of *steps*, which the code executes (threaded code).
 *
 *     entry i   bti c                     body   distance to the code of the first step
 *               mov x16, i                       its operands
 *               b   shared                       distance to the code of the next step
 *               brk                              …
 *               u64 0: a body whose first
 *               brk    step is this trap
 *
 * The code of a step loads its operands from the body, at x17, and jumps to the next step: there is one for each
 * register, one for stack data, and three that jump to the target. Each value is two words, combined by EOR
 * (blinded.ts). All loads of a step have an address dependency on the selector, so they see what was written before the
 * selector (Arm ARM, section B2.3): an invocation never sees a part of another body.
 */

import { alignUp } from '../../../core/bits.js';
import { lazy } from '../../../core/lazy.js';
import { registerName } from '../../../core/registers.js';
import { assertSelectorsOutside, littleEndian } from '../../object-code.js';
import type { BodyPosition, EntryCode, ObjectContexts, RandomU64 } from '../../supervised-code.js';
import { Assembler } from '../asm/assembler.js';
import { adrpPageSize } from '../asm/operand-fields.js';
import type { Gpr64 } from '../asm/operands.js';
import { registerFile } from '../registers.js';
import { assertShape } from '../trampolines/slot.js';
import { blindedWords } from './blinded.js';
import { indexedEntries } from './indexed-entries.js';

const stride = 32;
/** Offset in an entry of the distance to its trap, which follows it. */
const trapWordOffset = 16;

/** Registers with a step of their own: all except the two that steps use. */
const stepRegisters = Array.from({ length: 29 }, (_, index) => `x${index}` as 'x0').filter(
  (name) => !['x16', 'x17'].includes(name),
);

/**
 * Steps that need more registers spill them to the stack, below any stack data: 64 bytes at an offset of 256 bytes, and
 * 15 bytes for rounding down. The stack pointer is below the spill area while a step uses it.
 */
const spillLayout = { x0: 0, x2: 16, sp: 24, length: 32 } as const;
const spillArea = alignUp(64 + 256 + 15 + spillLayout.length, 16);

type Step = (typeof stepRegisters)[number] | 'stack' | 'jump' | 'set x16' | 'set x17';

/** Code that all entries share, and the offset of each step in it. */
interface SharedCode {
  readonly bytes: Uint8Array;
  readonly steps: Readonly<Record<Step, number>>;
}

/**
 * Returns the shared code for an offset in the range, on which only two distances depend. It is the end of the code.
 */
export function sharedCode(offset: number, selectorsOffset: number): SharedCode {
  const asm = new Assembler();
  const offsetInPage = offset % adrpPageSize;
  const pageStart = offset - offsetInPage;
  asm.data(new Uint8Array(offsetInPage));
  asm.emit('adrp <Xd>, <page>', 'x17', asm.label(selectorsOffset - pageStart));
  asm.emit('ldr <Xt>, [<Xn|SP>, <Xm>, lsl #3]', 'x17', 'x17', 'x16');
  asm.emit('adrp <Xd>, <page>', 'x16', asm.label(-pageStart));
  asm.emit('add <Xd>, <Xn>, <Xm>', 'x17', 'x17', 'x16');
  emitDispatchNext(asm);
  const emitters: readonly (readonly [Step, () => void])[] = [
    ...stepRegisters.map((register) => [register, () => emitRegisterStep(asm, register)] as const),
    ['stack', () => emitStackStep(asm)],
    ['jump', () => emitJumpStep(asm)],
    ['set x16', () => emitJumpWithStep(asm, 'x17')],
    ['set x17', () => emitJumpWithStep(asm, 'x16')],
  ];
  const steps = emitters.map(([name, emit]) => {
    const position = asm.position;
    emit();
    return [name, position - offsetInPage] as const;
  });
  return {
    bytes: asm.finish().subarray(offsetInPage),
    steps: Object.fromEntries(steps) as SharedCode['steps'],
  };
}

const sharedTemplate = lazy(() => sharedCode(0, 0));
export const sharedCodeLength = (): number => sharedTemplate().bytes.length;

const length = (count: number): number => count * stride + sharedCodeLength();

function code(count: number, { selectorsOffset }: { readonly selectorsOffset: number }): Uint8Array {
  assertSelectorsOutside({ selectorsOffset, length: length(count), count });
  const image = new Uint8Array(length(count));
  image.set(indexedEntries(count, { stride, register: 'x16', emitEpilogue: emitEntryTrap }));
  image.set(sharedCode(count * stride, selectorsOffset).bytes, count * stride);
  return image;
}

/** Emits what follows the branch of an entry: a trap, and a body (a distance of 0) that jumps to another one. */
export function emitEntryTrap(asm: Assembler): void {
  asm.emit('brk #<imm>', 0);
  asm.data(new Uint8Array(8));
}

export const entries: EntryCode = {
  firstOffset: 0,
  stride,
  length,
  trapOffset: (index) => index * stride + trapWordOffset,
  code,
};

/** Size of the longest body: 64 bytes of stack data, 27 registers with a step, and one that the jump sets. */
export const bodySize = 8 * (2 + 16 + 27 * 3 + 5);

export function body(
  { pc, assignments, stack }: ObjectContexts,
  random: RandomU64,
  { offset, entriesLength }: BodyPosition,
): Uint8Array {
  const registerNumbers = assignments.map(({ register }) => register);
  assertShape({ registers: registerNumbers, stack }, 'a body');
  const words = new BigInt64Array(bodySize / 8);
  let wordIndex = 0;
  const write = (step: Step, operands: readonly bigint[]): void => {
    const distance =
      entriesLength - sharedCodeLength() + sharedTemplate().steps[step] - (offset + 8 * (wordIndex + 1));
    for (const word of [BigInt(distance), ...operands]) words[wordIndex++] = word;
  };
  const blind = (value: bigint): bigint[] => blindedWords(value, random);

  if (stack !== undefined) {
    const { offset, size, setSp, data } = stack;
    const layout = BigInt(offset + size) | (BigInt(size) << 16n) | (setSp ? 1n << 32n : 0n);
    const dataWords = Array.from({ length: Math.ceil(size / 8) }, (_, index) =>
      blind(littleEndian(data.subarray(8 * index, 8 * index + 8))),
    );
    write('stack', [layout, ...dataWords.flat()]);
  }
  let lastStep: readonly [Step, readonly bigint[]] = ['jump', blind(pc)];
  for (const { register, value } of assignments) {
    const name = registerName(registerFile, register) as Step | 'x16' | 'x17';
    if (name === 'x16') lastStep = ['set x16', [...blind(value), ...blind(pc)]];
    else if (name === 'x17') lastStep = ['set x17', [...blind(pc), ...blind(value)]];
    else write(name, blind(value));
  }
  write(...lastStep);
  return new Uint8Array(words.buffer);
}

/** Jumps to the next step of the body. */
function emitDispatchNext(asm: Assembler): void {
  asm.emit('ldr <Xt>, [<Xn|SP>], #<simm>', 'x16', 'x17', 8);
  asm.emit('add <Xd>, <Xn>, <Xm>', 'x16', 'x16', 'x17');
  asm.emit('br <Xn>', 'x16');
  asm.emit('brk #<imm>', 0);
}

/** Loads the next value of the body. The key register is lost. */
function emitLoadBlinded(asm: Assembler, register: Gpr64, key: Gpr64): void {
  asm.emit('ldp <Xt1>, <Xt2>, [<Xn|SP>], #<simm>', register, key, 'x17', 16);
  asm.emit('eor <Xd>, <Xn>, <Xm>', register, register, key);
}

function emitRegisterStep(asm: Assembler, register: Gpr64): void {
  emitLoadBlinded(asm, register, 'x16');
  emitDispatchNext(asm);
}

/** Jumps to the PC, the last value. */
function emitJumpStep(asm: Assembler): void {
  asm.emit('ldp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]', 'x16', 'x17', 'x17', 0);
  asm.emit('eor <Xd>, <Xn>, <Xm>', 'x16', 'x16', 'x17');
  asm.emit('br <Xn>', 'x16');
  asm.emit('brk #<imm>', 0);
}

/** Jumps to the PC in `pcRegister` and sets the other one of x16 and x17: the last two values. */
function emitJumpWithStep(asm: Assembler, pcRegister: 'x16' | 'x17'): void {
  asm.emit('sub <Xd|SP>, <Xn|SP>, #<imm>', 'sp', 'sp', spillArea);
  asm.emit('str <Xt>, [<Xn|SP>, #<pimm>]', 'x0', 'sp', spillLayout.x0);
  emitLoadBlinded(asm, 'x16', 'x0');
  asm.emit('ldp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]', 'x17', 'x0', 'x17', 0);
  asm.emit('eor <Xd>, <Xn>, <Xm>', 'x17', 'x17', 'x0');
  asm.emit('ldr <Xt>, [<Xn|SP>, #<pimm>]', 'x0', 'sp', spillLayout.x0);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'sp', 'sp', spillArea);
  asm.emit('br <Xn>', pcRegister);
  asm.emit('brk #<imm>', 0);
}

/**
 * Writes stack data. Operands: distance below the stack pointer (u16), bytes (u16), whether SP is set (u32), values.
 */
function emitStackStep(asm: Assembler): void {
  const [skipAlign, nextWord, tail, done] = [asm.label(), asm.label(), asm.label(), asm.label()];
  asm.emit('sub <Xd|SP>, <Xn|SP>, #<imm>', 'sp', 'sp', spillArea);
  asm.emit('stp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]', 'x0', 'x1', 'sp', spillLayout.x0);
  asm.emit('str <Xt>, [<Xn|SP>, #<pimm>]', 'x2', 'sp', spillLayout.x2);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x16', 'sp', spillArea);
  asm.emit('str <Xt>, [<Xn|SP>, #<pimm>]', 'x16', 'sp', spillLayout.sp);
  asm.emit('ldrh <Wt>, [<Xn|SP>, #<pimm>]', 'w0', 'x17', 0);
  asm.emit('sub <Xd>, <Xn>, <Xm>', 'x16', 'x16', 'x0');
  asm.emit('ldr <Wt>, [<Xn|SP>, #<pimm>]', 'w0', 'x17', 4);
  asm.emit('cbz <Wt>, <label>', 'w0', skipAlign);
  asm.emit('and <Xd|SP>, <Xn>, #<mask>', 'x16', 'x16', -16);
  asm.emit('str <Xt>, [<Xn|SP>, #<pimm>]', 'x16', 'sp', spillLayout.sp);
  asm.bind(skipAlign);
  asm.emit('ldrh <Wt>, [<Xn|SP>, #<pimm>]', 'w0', 'x17', 2);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', 'x17', 'x17', 8);

  // The loop does not change the flags, which belong to the caller.
  asm.bind(nextWord);
  emitLoadBlinded(asm, 'x1', 'x2');
  asm.emit('lsr <Xd>, <Xn>, #<shift>', 'x2', 'x0', 3);
  asm.emit('cbz <Xt>, <label>', 'x2', tail);
  asm.emit('str <Xt>, [<Xn|SP>], #<simm>', 'x1', 'x16', 8);
  asm.emit('sub <Xd|SP>, <Xn|SP>, #<imm>', 'x0', 'x0', 8);
  asm.emit('cbnz <Xt>, <label>', 'x0', nextWord);
  asm.emit('b <label>', done);
  asm.emit('brk #<imm>', 0);
  asm.bind(tail);
  for (const [bit, store] of [
    [2, 'str <Wt>, [<Xn|SP>], #<simm>'],
    [1, 'strh <Wt>, [<Xn|SP>], #<simm>'],
    [0, 'strb <Wt>, [<Xn|SP>], #<simm>'],
  ] as const) {
    const skip = asm.label();
    asm.emit('tbz <Wt>, #<bit>, <label>', 'w0', bit, skip);
    asm.emit(store, 'w1', 'x16', 1 << bit);
    asm.emit('lsr <Xd>, <Xn>, #<shift>', 'x1', 'x1', 8 << bit);
    asm.bind(skip);
  }

  asm.bind(done);
  asm.emit('ldr <Xt>, [<Xn|SP>, #<pimm>]', 'x16', 'sp', spillLayout.sp);
  asm.emit('ldp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]', 'x0', 'x1', 'sp', spillLayout.x0);
  asm.emit('ldr <Xt>, [<Xn|SP>, #<pimm>]', 'x2', 'sp', spillLayout.x2);
  asm.emit('mov sp, <Xn|SP>', 'x16');
  emitDispatchNext(asm);
}
