/** Facts of the processor that tests run on, from its calling convention. */

import { arm64Registers, x64Registers } from '#src/core/registers.js';
import type { RegisterName } from '#src/index.js';
import type { Random } from './random.js';

export interface Processor {
  /** Registers that contexts may set, except the PC. */
  readonly settable: readonly RegisterName[];
  /** General registers except the stack pointer, in the order of a captured state. */
  readonly general: readonly string[];
  /** Its name in the headers of the C library. */
  readonly stackPointer: string;
  /** Registers of arguments and of the static chain. */
  readonly aliases: ReadonlyMap<string, string>;
  /** Pairs of names of the same register, and a register of another architecture. */
  readonly twins: readonly (readonly [string, string])[];
  readonly foreign: RegisterName;
  /** Number of vector registers of 128 bits. */
  readonly vectors: number;
  readonly vectorName: 'xmm' | 'q';
  /** Vector registers whose lower halves are callee-saved. */
  readonly keptVectors: readonly number[];
  /** Words after the general registers in the block of a handler. */
  readonly savedBehind: readonly ('flags' | 'pc' | 'sp')[];
  /** Portable names that only this block has, each with the name of this architecture. */
  readonly savedTwins: readonly (readonly [string, string])[];
  /** First instruction of jump targets, and of the code that saves registers for handlers. */
  readonly landingPad: string;
  readonly savesFirst: string;
  /** Registers that the fault handler uses: those of `faults.c`. */
  readonly faultRegisters: readonly [RegisterName, RegisterName];
  /** Min length and alignment of instructions, in bytes. */
  readonly instruction: number;
  /** Flags that programs can set, and flags that are always set. */
  readonly flagBits: readonly bigint[];
  readonly constantFlags: bigint;
  /** Returns random values of the control registers, 32 bits each. */
  readonly randomControl: (random: Random) => { readonly low: bigint; readonly high: bigint };
  /** Bytes below the stack pointer that a function may use. */
  readonly redZone: number;
  /** Possible values of `sp % 16`; the first is the one on function entry. */
  readonly alignments: readonly number[];
  /** Bytes from the stack pointer that SET_SP sets to the next multiple of 16. */
  readonly belowAligned: number;
  /** Register that holds the target of a jump, if a jump needs one. */
  readonly enteredBy: string | undefined;
  /** Registers that code between caller and function may change. */
  readonly scratch: readonly [RegisterName, RegisterName];
  /** Returns the registers with undefined values at the target of a fast trampoline that sets `set`. */
  readonly lost: (set: readonly string[], hasStack: boolean) => readonly string[];
  /** Returns whether a fast trampoline can set all of `set`. */
  readonly canSet: (set: readonly string[]) => boolean;
  /** Caller-saved registers without arguments. */
  readonly temporary: readonly [RegisterName];
  /** Padding byte after the body of a supervised object, and its min length. */
  readonly bodyFiller: number;
  readonly bodyTail: number;
  /** Returns what supervised code that sets `set` writes below all stack in use: the PC, or a spill area. */
  readonly belowUse: (set: readonly string[]) => { readonly parks?: boolean; readonly spills?: boolean };
}

const own = <Name extends RegisterName>(registers: Readonly<Record<Name, number>>, pc: Name): Name[] =>
  (Object.keys(registers) as Name[]).filter((name) => name !== pc);

/** System V psABI for x86-64: figure 3.4, section 3.2. */
const x64: Processor = {
  settable: own(x64Registers, 'rip'),
  general: own(x64Registers, 'rip'),
  stackPointer: 'rsp',
  aliases: new Map([
    ['arg0', 'rdi'],
    ['arg1', 'rsi'],
    ['arg2', 'rdx'],
    ['arg3', 'rcx'],
    ['arg4', 'r8'],
    ['arg5', 'r9'],
    ['chain', 'r10'],
  ]),
  twins: [
    ['pc', 'rip'],
    ['arg2', 'rdx'],
  ],
  foreign: 'x0',
  vectors: 16,
  vectorName: 'xmm',
  keptVectors: [],
  savedBehind: ['flags', 'pc', 'sp'],
  faultRegisters: ['rax', 'r11'],
  instruction: 1,
  landingPad: 'endbr64',
  savesFirst: 'pushfq',
  savedTwins: [
    ['flags', 'rflags'],
    ['pc', 'rip'],
    ['sp', 'rsp'],
    ['result', 'rax'],
    ['vector0', 'xmm0'],
    ['vector7', 'xmm7'],
  ],
  // CF, PF, AF, ZF, SF, DF, OF. Always set: IF, and bit 1.
  flagBits: [0x1n, 0x4n, 0x10n, 0x40n, 0x80n, 0x400n, 0x800n],
  constantFlags: 0x202n,
  // All exceptions are masked. MXCSR: FTZ, rounding, DAZ, exception flags; x87: rounding, a valid precision.
  randomControl: (random) => ({
    low: 0x1f80n | (random.word() & 0xe07fn),
    high: 0x7fn | (random.word() & 0xc00n) | random.pick([0n, 0x200n, 0x300n]),
  }),
  redZone: 128,
  alignments: [8, 0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15],
  belowAligned: 8,
  enteredBy: undefined,
  scratch: ['r10', 'r11'],
  lost: (set, hasStack) => (hasStack && !set.includes('r11') ? ['r11'] : []),
  canSet: () => true,
  temporary: ['rax'],
  bodyFiller: 0xcc,
  bodyTail: 1,
  belowUse: (set) => ({ parks: set.includes('r10') && set.includes('r11') }),
};

/** AAPCS64: sections 6.1.1, 6.4.5. The static chain is GCC's. */
const arm64: Processor = {
  settable: own(arm64Registers, 'pc'),
  general: [...own(arm64Registers, 'pc'), 'x29', 'x30'],
  stackPointer: 'sp',
  aliases: new Map([
    ...Array.from({ length: 6 }, (_, index) => [`arg${index}`, `x${index}`] as const),
    ['chain', 'x18'],
  ]),
  twins: [['arg2', 'x2']],
  foreign: 'rdx',
  vectors: 32,
  vectorName: 'q',
  keptVectors: [8, 9, 10, 11, 12, 13, 14, 15],
  savedBehind: ['pc', 'sp', 'flags'],
  faultRegisters: ['x0', 'x16'],
  instruction: 4,
  landingPad: 'bti c',
  savesFirst: 'stp x0, x1, \\[sp\\]',
  savedTwins: [
    ['flags', 'nzcv'],
    ['result', 'x0'],
    ['vector0', 'q0'],
    ['vector7', 'q7'],
  ],
  // V, C, Z, N.
  flagBits: [28n, 29n, 30n, 31n].map((bit) => 1n << bit),
  constantFlags: 0n,
  // FPCR: rounding, FZ, DN, AHP. FPSR: exception flags, QC.
  randomControl: (random) => ({
    low: random.word() & 0x07c0_0000n,
    high: random.word() & 0x0800_009fn,
  }),
  redZone: 0,
  // Accesses through the stack pointer require a multiple of 16.
  alignments: [0],
  belowAligned: 0,
  enteredBy: 'x17',
  scratch: ['x16', 'x17'],
  // The jump needs a register.
  lost: (set) => (set.includes('x16') ? ['x17'] : ['x16', 'x17']).filter((name) => !set.includes(name)),
  canSet: (set) => !(set.includes('x16') && set.includes('x17')),
  temporary: ['x9'],
  bodyFiller: 0,
  bodyTail: 0,
  belowUse: () => ({ spills: true }),
};

const known: Readonly<Record<string, Processor>> = { x64, arm64 };

export const processor: Processor = known[process.arch] ?? x64;

/** Max sets of registers of fast trampolines, which together contain all registers. */
export const fullSets: readonly (readonly RegisterName[])[] = processor.canSet(processor.settable)
  ? [processor.settable]
  : processor.scratch.map((left) => processor.settable.filter((name) => name !== left));

/** Returns random registers, from none to as many as fast trampolines can set. */
export function someRegisters(random: Random): RegisterName[] {
  return random.some(random.pick(fullSets));
}
