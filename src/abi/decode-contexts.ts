/**
 * Decodes contexts of the C interface. Each function checks bytes from a program by the rules of RFC v1, and returns
 * the context, or `undefined` for a context to be removed. Accepted bytes are stored as written, to be read back.
 */
import { hex } from '../core/bits.js';
import type { CallerRange, RegisterContext, StackContext } from '../core/contexts.js';
import { limits } from '../core/limits.js';
import { type RegisterFile, registerNumber } from '../core/registers.js';
import { abi, structs } from './layout.js';
import { SyscallError } from './syscall-error.js';

/** The numbers of the registers that a context may set. */
export interface RegisterNumbers {
  readonly pc: number;
  has(register: number): boolean;
}

export function registerNumbersOf(registerFile: RegisterFile): RegisterNumbers {
  const numbers = new Set(Object.values(registerFile.numbers));
  return { pc: registerNumber(registerFile, 'pc'), has: (register) => numbers.has(register) };
}

export type DecodedRegisters = Pick<RegisterContext, 'pc' | 'assignments'>;

/** The possible lengths of a context, in bytes. Other lengths are refused before memory is read. */
export interface LengthRange {
  readonly min: number;
  readonly max: number;
}

const { trampfd_regs, trampfd_reg, trampfd_stack, trampfd_values } = structs;

const valuesLength: LengthRange = { min: trampfd_values.values, max: trampfd_values.size };

/** Possible lengths of the contexts that a program may write, by `abi.contexts`. */
export const contextLengthRanges: Readonly<Record<number, LengthRange>> = {
  [abi.contexts.regs]: { min: trampfd_regs.regs, max: trampfd_regs.size },
  [abi.contexts.stack]: { min: trampfd_stack.data, max: trampfd_stack.size },
  [abi.contexts.allowedPcs]: valuesLength,
  [abi.contexts.allowedCallers]: valuesLength,
};

/** Returns the length in bytes of the context at the start of `bytes`, from its header. */
export function contextLength(context: number, bytes: Uint8Array): number {
  const { min, max } = contextLengthRanges[context]!;
  const isStack = context === abi.contexts.stack;
  const count = dataViewOf(bytes).getUint32(isStack ? trampfd_stack.data_size : 0, true);
  const entrySize = isStack ? 1 : context === abi.contexts.regs ? trampfd_reg.size : 8;
  return Math.min(min + count * entrySize, max);
}

/** Decodes `struct trampfd_regs`. If a register occurs more than once, the last value applies. */
export function decodeRegisters(bytes: Uint8Array, numbers: RegisterNumbers): DecodedRegisters | undefined {
  const view = dataViewOf(bytes);
  const count = readListHeader(view, {
    countField: 'nregs',
    maxCount: limits.registers,
    entrySize: trampfd_reg.size,
  });
  const values = new Map<number, bigint>();
  for (let index = 0; index < count; index++) {
    const offset = trampfd_regs.regs + index * trampfd_reg.size;
    const register = view.getUint32(offset + trampfd_reg.name, true);
    if (!numbers.has(register)) throw new SyscallError('EINVAL', `no register has the number ${register}`);
    assertZero(view, offset + trampfd_reg.reserved, `regs[${index}].reserved`);
    values.set(register, view.getBigUint64(offset + trampfd_reg.value, true));
  }
  if (count === 0) return undefined;
  const pc = values.get(numbers.pc) ?? 0n;
  if (pc === 0n) throw new SyscallError('EINVAL', 'the PC is not set, or 0');
  values.delete(numbers.pc);
  const assignments = [...values].map(([register, value]) => ({ register, value }));
  return { pc, assignments: assignments.sort((a, b) => a.register - b.register) };
}

/** Decodes `struct trampfd_stack`. */
export function decodeStack(bytes: Uint8Array): StackContext | undefined {
  const view = dataViewOf(bytes);
  const flags = view.getUint32(trampfd_stack.flags, true);
  const offset = view.getUint32(trampfd_stack.offset, true);
  const size = view.getUint32(trampfd_stack.data_size, true);
  assertZero(view, trampfd_stack.reserved, 'reserved');
  if (size > limits.stackSize)
    throw new SyscallError('EINVAL', `size is ${size}; at most ${limits.stackSize}`);
  assertLength(bytes, trampfd_stack.data + size);
  const layout = decodeStackPlacement({ flags, offset });
  if (size === 0) return undefined;
  return { ...layout, size, data: bytes.slice(trampfd_stack.data) };
}

/** Checks and decodes flags and offset of stack data. */
export function decodeStackPlacement({ flags, offset }: { flags: number; offset: number }): {
  setSp: boolean;
  offset: number;
} {
  if ((flags & ~abi.setSp) !== 0) throw new SyscallError('EINVAL', `unknown stack flags ${hex(flags)}`);
  if (offset > limits.stackOffset) {
    throw new SyscallError('EINVAL', `stack offset is ${offset}; at most ${limits.stackOffset}`);
  }
  return { setSp: (flags & abi.setSp) !== 0, offset };
}

/** Decodes `struct trampfd_values`: the allowed PCs. */
export function decodeAllowedPcs(bytes: Uint8Array): readonly bigint[] | undefined {
  const values = decodeValues(bytes, limits.allowedPcs);
  if (values.includes(0n)) throw new SyscallError('EINVAL', 'an allowed PC is 0');
  return values.length === 0 ? undefined : values;
}

/** Decodes `struct trampfd_values`: pairs of addresses `[start, end)`. */
export function decodeAllowedCallers(bytes: Uint8Array): readonly CallerRange[] | undefined {
  const values = decodeValues(bytes, 2 * limits.allowedCallers);
  if (values.length % 2 !== 0) throw new SyscallError('EINVAL', 'a range of callers lacks its end');
  const ranges: CallerRange[] = [];
  for (let index = 0; index < values.length; index += 2) {
    const [start, end] = [values[index]!, values[index + 1]!];
    if (start >= end) throw new SyscallError('EINVAL', 'a range of callers is empty');
    ranges.push([start, end]);
  }
  return ranges.length === 0 ? undefined : ranges;
}

function decodeValues(bytes: Uint8Array, maxCount: number): bigint[] {
  const view = dataViewOf(bytes);
  const count = readListHeader(view, { countField: 'nvalues', maxCount, entrySize: 8 });
  return Array.from({ length: count }, (_, index) =>
    view.getBigUint64(trampfd_values.values + 8 * index, true),
  );
}

/** Checks the header of a list, its count and a reserved word, and the length. Returns the count. */
function readListHeader(
  view: DataView,
  { countField, maxCount, entrySize }: { countField: string; maxCount: number; entrySize: number },
): number {
  const count = view.getUint32(0, true);
  assertZero(view, 4, 'reserved');
  if (count > maxCount) throw new SyscallError('EINVAL', `${countField} is ${count}; at most ${maxCount}`);
  assertLength(view, 8 + count * entrySize);
  return count;
}

function assertZero(view: DataView, offset: number, field: string): void {
  if (view.getUint32(offset, true) !== 0) throw new SyscallError('EINVAL', `${field} is not 0`);
}

function assertLength(bytes: ArrayBufferView, length: number): void {
  if (bytes.byteLength === length) return;
  throw new SyscallError('EINVAL', `${bytes.byteLength} bytes were written; the structure has ${length}`);
}

function dataViewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
