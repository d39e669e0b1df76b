/**
 * Invokes a trampoline with a chosen state of the processor and tells the state at its target: what
 * `test/programs/capture.S` does. A state is 51 words, in the order of `struct state` there.
 */
import koffi from 'koffi';
import { addressOf, symbolAddress } from 'trampfd';
import { x64Registers } from '#src/trampoline/registers.js';
import { compileLibrary } from './compile.js';
import type { Random } from './random.js';

export type State = BigUint64Array<ArrayBuffer>;

/** The general registers except the stack pointer, in their order in a state. */
export const registerNames = (Object.keys(x64Registers) as (keyof typeof x64Registers)[]).slice(0, 15);

/** Words of a state. */
export const word = { sp: 15, entry: 16, flags: 17, control: 18, xmm: 19, count: 51 } as const;

/** The flags that a program sets: CF, PF, AF, ZF, SF, DF, OF. */
const flagBits = [0x1n, 0x4n, 0x10n, 0x40n, 0x80n, 0x400n, 0x800n];
const programFlags = flagBits.reduce((all, bit) => all | bit);
/** IF, and the bit that is always 1: a program cannot clear them. */
const constantFlags = 0x202n;

/** Every combination of them. */
export function allFlags(): bigint[] {
  return Array.from({ length: 2 ** flagBits.length }, (_, chosen) =>
    flagBits.reduce((flags, bit, index) => ((chosen >> index) & 1 ? flags | bit : flags), constantFlags),
  );
}

/** Anything that a program may have in its registers. */
export function randomState(random: Random, sp: bigint): State {
  const state = BigUint64Array.from({ length: word.count }, () => random.word());
  state[word.sp] = sp;
  state[word.flags] = (random.word() & programFlags) | constantFlags;
  // All exceptions stay masked. MXCSR: FTZ, rounding, DAZ, exceptions seen; x87: rounding, a precision that exists.
  const mxcsr = 0x1f80n | (random.word() & 0xe07fn);
  const x87 = 0x7fn | (random.word() & 0xc00n) | random.pick([0n, 0x200n, 0x300n]);
  state[word.control] = (x87 << 32n) | mxcsr;
  return state;
}

type Capture = (before: bigint, after: bigint, signalStack: boolean) => void;

let capture: { readonly call: Capture; readonly target: bigint } | undefined;

function open(): { readonly call: Capture; readonly target: bigint } {
  if (capture === undefined) {
    const library = compileLibrary('capture', ['capture.c', 'capture.S']);
    const call = koffi.load(library).func('void capture(uintptr_t, uintptr_t, bool)') as unknown as Capture;
    capture = { call, target: symbolAddress('capture_target', library) };
  }
  return capture;
}

/** The PC that trampolines to capture must have. */
export function captureTarget(): bigint {
  return open().target;
}

/** Native code has their addresses while it runs, so they must not be collected. */
const entered: State = new BigUint64Array(word.count);
const arrived: State = new BigUint64Array(word.count);

/**
 * Jumps to a trampoline with the state `before`; returns the state at the target.
 * @param signalStack whether signals are handled on a stack of their own
 */
export function captureAt(trampoline: bigint, before: State, signalStack: boolean): State {
  entered.set(before);
  entered[word.entry] = trampoline;
  open().call(addressOf(entered), addressOf(arrived), signalStack);
  const after = arrived.slice();
  after[word.entry] = before[word.entry]!;
  after[word.flags] = (after[word.flags]! & programFlags) | constantFlags;
  return after;
}
