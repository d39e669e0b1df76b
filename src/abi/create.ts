/** What `trampfd_create` is told: the data of each type, checked. */
import type { StackLayout } from '../trampoline/contexts.js';
import { limits } from '../trampoline/limits.js';
import type { Shape } from '../trampoline/shape.js';
import { checkStackLayout, type RegisterNames } from './contexts.js';
import { abi, structs } from './layout.js';
import { Refusal } from './refusal.js';

export interface UserData {
  readonly slow: boolean;
  readonly count: number;
}

export interface HandlerData {
  readonly count: number;
}

export interface TableData {
  readonly count: number;
  readonly codeRegister: number;
  readonly dataRegister: number;
  /** Addresses of arrays of the program, 8 bytes for each instance. */
  readonly codeTable: bigint;
  readonly dataTable: bigint;
}

export interface CodeData {
  readonly count: number;
  readonly shape: Shape;
}

/** `struct trampfd_user`. */
export function decodeUser(view: DataView): UserData {
  const { flags, count } = structs.trampfd_user;
  return { slow: flagsAt(view, flags, abi.slow) !== 0, count: countAt(view, count) };
}

/** `struct trampfd_table`. */
export function decodeTable(view: DataView, names: RegisterNames): TableData {
  const at = structs.trampfd_table;
  flagsAt(view, at.flags, 0);
  const data = {
    count: countAt(view, at.count),
    codeRegister: view.getUint32(at.code_reg, true),
    dataRegister: view.getUint32(at.data_reg, true),
    codeTable: view.getBigUint64(at.code_table, true),
    dataTable: view.getBigUint64(at.data_table, true),
  };
  for (const register of [data.codeRegister, data.dataRegister]) loadable(register, names);
  if (data.codeRegister === data.dataRegister) {
    throw new Refusal('EINVAL', 'code_reg and data_reg are the same register');
  }
  if (data.codeTable === 0n || data.dataTable === 0n) throw new Refusal('EINVAL', 'a table is NULL');
  return data;
}

/** `struct trampfd_code`. */
export function decodeCode(view: DataView, names: RegisterNames): CodeData {
  const at = structs.trampfd_code;
  flagsAt(view, at.flags, 0);
  const size = view.getUint32(at.nregs, true);
  if (size > limits.registers) throw new Refusal('EINVAL', `nregs is ${size}; at most ${limits.registers}`);
  const regs = Array.from({ length: limits.registers }, (_, index) =>
    view.getUint32(at.regs + 4 * index, true),
  );
  if (regs.some((register, index) => index >= size && register !== 0)) {
    throw new Refusal('EINVAL', 'regs behind nregs are not 0');
  }
  const registers = regs.slice(0, size);
  for (const [index, register] of registers.entries()) {
    loadable(register, names);
    if (index > 0 && register <= registers[index - 1]!) {
      throw new Refusal('EINVAL', 'regs are not in ascending order, each once');
    }
  }
  return { count: countAt(view, at.count), shape: { registers, stack: stackAt(view) } };
}

function stackAt(view: DataView): StackLayout | undefined {
  const at = structs.trampfd_code;
  const size = view.getUint32(at.stack_size, true);
  const given = {
    flags: view.getUint32(at.stack_flags, true),
    offset: view.getUint32(at.stack_offset, true),
  };
  if (size > limits.stackSize) {
    throw new Refusal('EINVAL', `stack_size is ${size}; at most ${limits.stackSize}`);
  }
  const layout = checkStackLayout(given);
  return size === 0 ? undefined : { size, ...layout };
}

/** `struct trampfd_handler`. */
export function decodeHandler(view: DataView): HandlerData {
  const { flags, count } = structs.trampfd_handler;
  flagsAt(view, flags, 0);
  return { count: countAt(view, count) };
}

/** Flags, of which those in `known` have a meaning. */
function flagsAt(view: DataView, at: number, known: number): number {
  const flags = view.getUint32(at, true);
  if ((flags & ~known) !== 0) throw new Refusal('EINVAL', `unknown flags 0x${flags.toString(16)}`);
  return flags;
}

function countAt(view: DataView, at: number): number {
  const count = view.getUint32(at, true) || 1;
  if (count > abi.maxCount) throw new Refusal('EINVAL', `count is ${count}; at most ${abi.maxCount}`);
  return count;
}

function loadable(register: number, names: RegisterNames): void {
  if (!names.has(register) || register === names.pc) {
    throw new Refusal('EINVAL', `no register that can be loaded has the number ${register}`);
  }
}
