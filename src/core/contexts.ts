/**
 * The contexts of a trampoline: registers, stack data, allowed PCs, allowed callers. Immutable values, parsed from
 * the caller's options and checked by the rules of RFC v1 before any of them takes effect.
 */
import { hex } from './bits.js';
import { limits } from './limits.js';
import { type RegisterFile, type RegisterName, registerNumber } from './registers.js';
import {
  describeType,
  integerInRange,
  knownOptions,
  nonNullAddress,
  optionalBoolean,
  plainObject,
  uint64,
} from './validate.js';

/** Registers to load, by name. The trampoline jumps to the program counter (`pc`, or the architecture's name). */
export type RegisterValues = Readonly<Partial<Record<RegisterName, bigint>>>;

/** A validated register context. */
export interface RegisterContext {
  /** By the caller's names; values as unsigned 64-bit words. */
  readonly values: RegisterValues;
  readonly pc: bigint;
  /** The other registers by ascending number, the order of the data words. */
  readonly assignments: readonly { readonly register: number; readonly value: bigint }[];
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
  const names = new Map<number, string>();
  const values: Partial<Record<RegisterName, bigint>> = {};
  const assignments: { register: number; value: bigint }[] = [];
  const pcNumber = registerNumber(registerFile, 'pc');
  let pc: bigint | undefined;
  for (const [name, value] of Object.entries(byName)) {
    const register = registerNumber(registerFile, name);
    const previousName = names.get(register);
    if (previousName !== undefined)
      throw new RangeError(`${subject}: "${previousName}" and "${name}" are the same register`);
    names.set(register, name);
    const checked = (register === pcNumber ? nonNullAddress : uint64)(value, `${subject}.${name}`);
    values[name as RegisterName] = checked;
    if (register === pcNumber) pc = checked;
    else assignments.push({ register, value: checked });
  }
  if (names.size > limits.registers) {
    throw new RangeError(`${subject} sets ${names.size} registers; at most ${limits.registers} are possible`);
  }
  if (pc === undefined) throw new TypeError(`${subject} must set pc: the address to jump to`);
  assignments.sort((a, b) => a.register - b.register);
  return Object.freeze({ values: Object.freeze(values), pc, assignments });
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
