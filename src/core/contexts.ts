/**
 * The contexts of a trampoline: registers, stack data, allowed PCs, allowed callers. Immutable values, parsed from
 * the caller's options and checked by the rules of RFC v1 before any of them takes effect.
 */
import { hex } from './bits.js';
import { limits } from './limits.js';
import { type RegisterLayout, registerLayout } from './register-layout.js';
import type { RegisterFile, RegisterName } from './registers.js';
import {
  describeType,
  integerInRange,
  isUint64,
  knownOptions,
  nonNullAddress,
  optionalBoolean,
  plainObject,
  uint64,
} from './validate.js';

/** Registers to load, by name. The trampoline jumps to the program counter (`pc`, or the architecture's name). */
export type RegisterValues = Readonly<Partial<Record<RegisterName, bigint>>>;

/** A validated register context. */
export class RegisterContext {
  readonly layout: RegisterLayout;
  /** The data words: unsigned values, in the order of the layout's word indexes. */
  readonly words: readonly bigint[];
  #values: RegisterValues | undefined;

  constructor(layout: RegisterLayout, words: readonly bigint[]) {
    this.layout = layout;
    this.words = words;
  }

  get pc(): bigint {
    return this.words[0]!;
  }

  /** The other registers by ascending number, the order of the data words. */
  get assignments(): readonly { readonly register: number; readonly value: bigint }[] {
    return this.layout.shape.registers.map((register, index) => ({
      register,
      value: this.words[index + 1]!,
    }));
  }

  /** The values by the caller's names. Created lazily: few callers read them. */
  get values(): RegisterValues {
    const { names, wordIndexes } = this.layout;
    this.#values ??= Object.freeze(
      Object.fromEntries(names.map((name, index) => [name, this.words[wordIndexes[index]!]!])),
    );
    return this.#values;
  }
}

/** Stack data to write at every invocation. */
export interface StackValues {
  /** 1 to 64 bytes. */
  readonly data: Uint8Array;
  /** Bytes between the stack pointer and the end of the data: 0 to 256, default 0. */
  readonly offset?: number;
  /**
   * Whether the stack pointer moves to the data (`TRAMPFD_SET_SP`), default false. On x86-64 it becomes
   * `round_down(sp - offset - size, 16) - 8`, so that the target finds the first 8 bytes of data as its return
   * address.
   */
  readonly setSp?: boolean;
}

/** Size and position of stack data, the same for all trampolines of a shape. */
export interface StackLayout {
  readonly size: number;
  readonly offset: number;
  readonly setSp: boolean;
}

/** A validated stack context; the data is a copy. */
export interface StackContext extends StackLayout {
  readonly data: Uint8Array;
}

/** Validates registers. `subject` names them in errors. */
export function parseRegisters(
  input: unknown,
  registerFile: RegisterFile,
  subject = 'registers',
): RegisterContext {
  const byName = plainObject(input, subject);
  const names = Object.keys(byName);
  const layout = registerLayout(registerFile, names, subject);
  const words: bigint[] = new Array(names.length);
  for (let index = 0; index < names.length; index++) {
    const name = names[index]!;
    const value = byName[name];
    const wordIndex = layout.wordIndexes[index]!;
    // Fast path, without the text that names the value in an error.
    words[wordIndex] =
      isUint64(value) && value !== 0n
        ? value
        : (wordIndex === 0 ? nonNullAddress : uint64)(value, `${subject}.${name}`);
  }
  return new RegisterContext(layout, words);
}

/** Validates stack data. Returns `undefined` without data, or if the data is empty. */
export function parseStack(input: unknown, subject = 'stackData'): StackContext | undefined {
  if (input === undefined || input === null) return undefined;
  const { data, offset, setSp } = knownOptions(input, subject, ['data', 'offset', 'setSp']);
  if (!(data instanceof Uint8Array)) {
    throw new TypeError(`${subject}.data must be a Uint8Array, not ${describeType(data)}`);
  }
  if (data.byteLength > limits.stackSize) {
    throw new RangeError(
      `${subject}.data has ${data.byteLength} bytes; at most ${limits.stackSize} are possible`,
    );
  }
  const placement = parseStackPlacement({ offset, setSp }, subject);
  if (data.byteLength === 0) return undefined;
  return Object.freeze({ ...placement, size: data.byteLength, data: Uint8Array.from(data) });
}

/** Validates a stack layout without data: `{ size, offset?, setSp? }`. */
export function parseStackLayout(input: unknown, subject = 'stackData'): StackLayout | undefined {
  if (input === undefined || input === null) return undefined;
  const { size, offset, setSp } = knownOptions(input, subject, ['size', 'offset', 'setSp']);
  const checkedSize = integerInRange(size, `${subject}.size`, { min: 1, max: limits.stackSize });
  return Object.freeze({ ...parseStackPlacement({ offset, setSp }, subject), size: checkedSize });
}

function parseStackPlacement(
  { offset = 0, setSp }: { offset?: unknown; setSp?: unknown },
  subject: string,
): { offset: number; setSp: boolean } {
  return {
    offset: integerInRange(offset, `${subject}.offset`, { max: limits.stackOffset }),
    setSp: optionalBoolean(setSp, `${subject}.setSp`),
  };
}

/** Validates an allow list. Returns `undefined`, which allows every PC, without a list or if it is empty. */
export function parseAllowedPcs(input: unknown, subject = 'allowedPcs'): readonly bigint[] | undefined {
  if (input === undefined || input === null) return undefined;
  if (!Array.isArray(input)) throw new TypeError(`${subject} must be an array, not ${describeType(input)}`);
  if (input.length > limits.allowedPcs) {
    throw new RangeError(`${subject} has ${input.length} entries; at most ${limits.allowedPcs} are possible`);
  }
  const pcs = Array.from(input, (value, index) => nonNullAddress(value, `${subject}[${index}]`));
  return pcs.length === 0 ? undefined : Object.freeze(pcs);
}

/** A range of allowed caller addresses: `[start, end)`. */
export type CallerRange = readonly [start: bigint, end: bigint];

/** Validates caller ranges. Returns `undefined`, which allows every caller, without ranges or if there are none. */
export function parseCallerRanges(
  input: unknown,
  subject = 'allowedCallers',
): readonly CallerRange[] | undefined {
  if (input === undefined || input === null) return undefined;
  if (!Array.isArray(input)) throw new TypeError(`${subject} must be an array, not ${describeType(input)}`);
  if (input.length > limits.allowedCallers) {
    throw new RangeError(
      `${subject} has ${input.length} entries; at most ${limits.allowedCallers} are possible`,
    );
  }
  const ranges = Array.from(input, (range: unknown, index): CallerRange => {
    const element = `${subject}[${index}]`;
    if (!Array.isArray(range) || range.length !== 2) {
      throw new TypeError(`${element} must be a pair of addresses: [start, end)`);
    }
    const [start, end] = [uint64(range[0], `${element}[0]`), uint64(range[1], `${element}[1]`)];
    if (start >= end) throw new RangeError(`${element} is empty: ${hex(start)} to ${hex(end)}`);
    return Object.freeze([start, end] as const);
  });
  return ranges.length === 0 ? undefined : Object.freeze(ranges);
}

/** Throws unless the allow list contains the PC. */
export function assertAllowedPc(
  pc: bigint,
  allowed: readonly bigint[] | undefined,
  subject = 'registers.pc',
): void {
  if (allowed !== undefined && !allowed.includes(pc)) {
    throw new RangeError(`${subject} ${hex(pc)} is not among the allowed PCs`);
  }
}
