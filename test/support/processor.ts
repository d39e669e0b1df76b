/** What tests have to know of the processor that they run on, as its calling convention has it. */

import { arm64Registers, x64Registers } from '#src/core/registers.js';
import type { RegisterName } from '#src/index.js';
import type { Random } from './random.js';

export interface Processor {
  /** The registers that contexts may set, but the PC. */
  readonly settable: readonly RegisterName[];
  /** The general registers but the stack pointer, in their order in a captured state. */
  readonly general: readonly string[];
  /** What the C library's headers call it. */
  readonly stackPointer: string;
  /** Where functions have their arguments and the static chain. */
  readonly aliases: ReadonlyMap<string, string>;
  /** Names of one and the same register, and a register of another architecture. */
  readonly twins: readonly (readonly [string, string])[];
  readonly foreign: RegisterName;
  /** Vector registers of 128 bits. */
  readonly vectors: number;
  readonly vectorName: 'xmm' | 'q';
  /** Those of them whose lower halves functions keep for their callers. */
  readonly keptVectors: readonly number[];
  /** What stands behind the general registers in the block that a handler is given. */
  readonly savedBehind: readonly ('flags' | 'pc' | 'sp')[];
  /** Portable names of what only that block has, and their own. */
  readonly savedTwins: readonly (readonly [string, string])[];
  /** What code at the target of a jump begins with, and the part that saves registers for handlers. */
  readonly landingPad: string;
  readonly savesFirst: string;
  /** Registers that the handler of slow trampolines uses itself: those of `faults.c`. */
  readonly faultRegisters: readonly [RegisterName, RegisterName];
  /** Bytes that an instruction has at least, and begins at multiples of. */
  readonly instruction: number;
  /** The flags that a program sets, and what cannot be cleared. */
  readonly flagBits: readonly bigint[];
  readonly constantFlags: bigint;
  /** A state of the control registers, 32 bits of each. */
  readonly randomControl: (random: Random) => { readonly low: bigint; readonly high: bigint };
  /** Bytes below the stack pointer that are in use. */
  readonly redZone: number;
  /** What `sp % 16` can be; the first is what functions are entered with. */
  readonly alignments: readonly number[];
  /** How far below a multiple of 16 SET_SP puts the stack pointer. */
  readonly belowAligned: number;
  /** The general register that code is entered by, where a jump needs one. */
  readonly enteredBy: string | undefined;
  /** A name of these, which code between caller and function may change. */
  readonly scratch: readonly [RegisterName, RegisterName];
  /** Which registers arrive with anything at the target of a fast trampoline that sets these. */
  readonly lost: (set: readonly string[], hasStack: boolean) => readonly string[];
  /** Whether a fast trampoline can set all of these. */
  readonly canSet: (set: readonly string[]) => boolean;
  /** Registers that functions have no arguments in, and may change. */
  readonly temporary: readonly [RegisterName];
  /** What stands behind the body of a supervised object: bytes of one kind, and so many of them at least. */
  readonly bodyFiller: number;
  readonly bodyTail: number;
  /** What code of supervised objects that sets these writes below all stack that is in use. */
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
  // CF, PF, AF, ZF, SF, DF, OF; IF, and the bit that is always 1.
  flagBits: [0x1n, 0x4n, 0x10n, 0x40n, 0x80n, 0x400n, 0x800n],
  constantFlags: 0x202n,
  // All exceptions stay masked. MXCSR: FTZ, rounding, DAZ, exceptions seen; x87: rounding, a precision that exists.
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
  // FPCR: rounding, FZ, DN, AHP. FPSR: exceptions seen, QC.
  randomControl: (random) => ({
    low: random.word() & 0x07c0_0000n,
    high: random.word() & 0x0800_009fn,
  }),
  redZone: 0,
  // Memory is reached through the stack pointer only where it is a multiple of 16.
  alignments: [0],
  belowAligned: 0,
  enteredBy: 'x17',
  scratch: ['x16', 'x17'],
  // A jump needs a register.
  lost: (set) => (set.includes('x16') ? ['x17'] : ['x16', 'x17']).filter((name) => !set.includes(name)),
  canSet: (set) => !(set.includes('x16') && set.includes('x17')),
  temporary: ['x9'],
  bodyFiller: 0,
  bodyTail: 0,
  belowUse: () => ({ spills: true }),
};

const known: Readonly<Record<string, Processor>> = { x64, arm64 };

export const processor: Processor = known[process.arch] ?? x64;

/** All registers, in as many sets as fast trampolines need for that. */
export const fullSets: readonly (readonly RegisterName[])[] = processor.canSet(processor.settable)
  ? [processor.settable]
  : processor.scratch.map((left) => processor.settable.filter((name) => name !== left));

/** Some registers, from none to as many as fast trampolines can set. */
export function someRegisters(random: Random): RegisterName[] {
  return random.some(random.pick(fullSets));
}
