/**
 * Contexts as the C interface writes them. Each function checks bytes from outside by the rules of RFC v1 and
 * returns what they say, or nothing for a context that is to be removed; the bytes that passed are what is
 * read back.
 */
import type { CallerRange, RegisterContext, StackContext } from '../trampoline/contexts.js';
import { limits } from '../trampoline/limits.js';
import { type RegisterFile, registerNumber } from '../trampoline/registers.js';
import { abi, structs } from './layout.js';
import { Refusal } from './refusal.js';

/** Which numbers name the registers that a context may set. */
export interface RegisterNames {
  readonly pc: number;
  has(register: number): boolean;
}

export function registerNames(file: RegisterFile): RegisterNames {
  const numbers = new Set(Object.values(file.numbers));
  return { pc: registerNumber(file, 'pc'), has: (register) => numbers.has(register) };
}

export type RegisterWords = Pick<RegisterContext, 'pc' | 'loads'>;

/** A length that can be right at all; only then is memory read. */
export interface Lengths {
  readonly least: number;
  readonly most: number;
}

const { trampfd_regs, trampfd_reg, trampfd_stack, trampfd_values } = structs;

const values: Lengths = { least: trampfd_values.values, most: trampfd_values.size };

/** Lengths of the contexts that a program may write, by their place among the offsets. */
export const contextLengths: Readonly<Record<number, Lengths>> = {
  [abi.contexts.regs]: { least: trampfd_regs.regs, most: trampfd_regs.size },
  [abi.contexts.stack]: { least: trampfd_stack.data, most: trampfd_stack.size },
  [abi.contexts.allowedPcs]: values,
  [abi.contexts.allowedCallers]: values,
};

/** Bytes of the context that stands at the start of `bytes`, as its head tells. */
export function contextLength(context: number, bytes: Uint8Array): number {
  const { least, most } = contextLengths[context]!;
  const isStack = context === abi.contexts.stack;
  const count = viewOf(bytes).getUint32(isStack ? trampfd_stack.data_size : 0, true);
  const entry = isStack ? 1 : context === abi.contexts.regs ? trampfd_reg.size : 8;
  return Math.min(least + count * entry, most);
}

/** `struct trampfd_regs`. The last of a repeated name counts. */
export function decodeRegisters(bytes: Uint8Array, names: RegisterNames): RegisterWords | undefined {
  const view = viewOf(bytes);
  const count = head(view, { of: 'nregs', most: limits.registers, entry: trampfd_reg.size });
  const values = new Map<number, bigint>();
  for (let index = 0; index < count; index++) {
    const at = trampfd_regs.regs + index * trampfd_reg.size;
    const name = view.getUint32(at + trampfd_reg.name, true);
    if (!names.has(name)) throw new Refusal('EINVAL', `no register has the number ${name}`);
    zero(view, at + trampfd_reg.reserved, `regs[${index}].reserved`);
    values.set(name, view.getBigUint64(at + trampfd_reg.value, true));
  }
  if (count === 0) return undefined;
  const pc = values.get(names.pc) ?? 0n;
  if (pc === 0n) throw new Refusal('EINVAL', 'the PC is not set, or 0');
  values.delete(names.pc);
  const loads = [...values].map(([register, value]) => ({ register, value }));
  return { pc, loads: loads.sort((a, b) => a.register - b.register) };
}

/** `struct trampfd_stack`. */
export function decodeStack(bytes: Uint8Array): StackContext | undefined {
  const view = viewOf(bytes);
  const flags = view.getUint32(trampfd_stack.flags, true);
  const offset = view.getUint32(trampfd_stack.offset, true);
  const size = view.getUint32(trampfd_stack.data_size, true);
  zero(view, trampfd_stack.reserved, 'reserved');
  if (size > limits.stackSize) throw new Refusal('EINVAL', `size is ${size}; at most ${limits.stackSize}`);
  exactly(bytes, trampfd_stack.data + size);
  const layout = checkStackLayout({ flags, offset });
  if (size === 0) return undefined;
  return { ...layout, size, data: bytes.slice(trampfd_stack.data) };
}

/** Flags and offset of stack data. */
export function checkStackLayout({ flags, offset }: { flags: number; offset: number }): {
  setSp: boolean;
  offset: number;
} {
  if ((flags & ~abi.setSp) !== 0) throw new Refusal('EINVAL', `unknown stack flags 0x${flags.toString(16)}`);
  if (offset > limits.stackOffset) {
    throw new Refusal('EINVAL', `stack offset is ${offset}; at most ${limits.stackOffset}`);
  }
  return { setSp: (flags & abi.setSp) !== 0, offset };
}

/** `struct trampfd_values`: PCs that may be jumped to. */
export function decodeAllowedPcs(bytes: Uint8Array): readonly bigint[] | undefined {
  const values = decodeValues(bytes, limits.allowedPcs);
  if (values.includes(0n)) throw new Refusal('EINVAL', 'an allowed PC is 0');
  return values.length === 0 ? undefined : values;
}

/** `struct trampfd_values`: pairs of the first address and the first one behind. */
export function decodeAllowedCallers(bytes: Uint8Array): readonly CallerRange[] | undefined {
  const values = decodeValues(bytes, 2 * limits.allowedCallers);
  if (values.length % 2 !== 0) throw new Refusal('EINVAL', 'a range of callers lacks its end');
  const ranges: CallerRange[] = [];
  for (let index = 0; index < values.length; index += 2) {
    const [first, end] = [values[index]!, values[index + 1]!];
    if (first >= end) throw new Refusal('EINVAL', 'a range of callers is empty');
    ranges.push([first, end]);
  }
  return ranges.length === 0 ? undefined : ranges;
}

function decodeValues(bytes: Uint8Array, most: number): bigint[] {
  const view = viewOf(bytes);
  const count = head(view, { of: 'nvalues', most, entry: 8 });
  return Array.from({ length: count }, (_, index) =>
    view.getBigUint64(trampfd_values.values + 8 * index, true),
  );
}

/** The count and the reserved word that lists begin with. */
function head(view: DataView, { of, most, entry }: { of: string; most: number; entry: number }): number {
  const count = view.getUint32(0, true);
  zero(view, 4, 'reserved');
  if (count > most) throw new Refusal('EINVAL', `${of} is ${count}; at most ${most}`);
  exactly(view, 8 + count * entry);
  return count;
}

function zero(view: DataView, at: number, field: string): void {
  if (view.getUint32(at, true) !== 0) throw new Refusal('EINVAL', `${field} is not 0`);
}

function exactly(given: ArrayBufferView, length: number): void {
  if (given.byteLength === length) return;
  throw new Refusal('EINVAL', `${given.byteLength} bytes were written; the structure has ${length}`);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
