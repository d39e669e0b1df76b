/**
 * What a trampoline is told: registers, stack data, allowed PCs. Immutable values, made from what callers
 * write and checked by the rules of RFC v1, before anything is done with them.
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

/** Registers to load, by name. The program counter (`pc`, or its own name) is where the trampoline jumps. */
export type RegisterValues = Readonly<Partial<Record<RegisterName, bigint>>>;

/** A register context as it is kept. */
export interface RegisterContext {
  /** What the caller wrote: its names, values as unsigned 64-bit words. */
  readonly values: RegisterValues;
  readonly pc: bigint;
  /** The other registers, by ascending number: the order of the data words. */
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
   * `round_down(sp - offset - size, 16) - 8`, so that the first 8 bytes of data stand where the target
   * expects its return address.
   */
  readonly setSp?: boolean;
}

/** Where stack data goes, without the data: what trampolines of one shape share. */
export interface StackLayout {
  readonly size: number;
  readonly offset: number;
  readonly setSp: boolean;
}

/** A stack context as it is kept; the data is a copy. */
export interface StackContext extends StackLayout {
  readonly data: Uint8Array;
}

/** Checks registers. `subject` names them in errors. */
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

/** Checks stack data; nothing, or no bytes, is no stack context. */
export function parseStack(input: unknown, subject = 'stack'): StackContext | undefined {
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

/** Checks a stack layout without data: `{ size, offset?, setSp? }`. */
export function parseStackLayout(input: unknown, subject = 'stack'): StackLayout | undefined {
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

/** Checks an allow list; nothing, or no entries, is no list, and then every PC is allowed. */
export function parseAllowedPcs(input: unknown, subject = 'allowedPcs'): readonly bigint[] | undefined {
  if (input === undefined || input === null) return undefined;
  if (!Array.isArray(input)) throw new TypeError(`${subject} must be an array, not ${describeType(input)}`);
  if (input.length > limits.allowedPcs) {
    throw new RangeError(`${subject} has ${input.length} entries; at most ${limits.allowedPcs} are possible`);
  }
  const pcs = Array.from(input, (value, index) => nonNullAddress(value, `${subject}[${index}]`));
  return pcs.length === 0 ? undefined : Object.freeze(pcs);
}

/** Addresses that callers may have: the first, and the first one behind them. */
export type CallerRange = readonly [first: bigint, end: bigint];

/** Checks ranges of callers; nothing, or no entries, is no list, and then every caller is allowed. */
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
      throw new TypeError(`${element} must be a pair of addresses: the first, and the first one behind`);
    }
    const [start, end] = [uint64(range[0], `${element}[0]`), uint64(range[1], `${element}[1]`)];
    if (start >= end) throw new RangeError(`${element} is empty: ${hex(start)} to ${hex(end)}`);
    return Object.freeze([start, end] as const);
  });
  return ranges.length === 0 ? undefined : Object.freeze(ranges);
}

/** Refuses a PC that an allow list does not have. */
export function assertAllowedPc(
  pc: bigint,
  allowed: readonly bigint[] | undefined,
  subject = 'registers.pc',
): void {
  if (allowed !== undefined && !allowed.includes(pc)) {
    throw new RangeError(`${subject} ${hex(pc)} is not among the allowed PCs`);
  }
}
