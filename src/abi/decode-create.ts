/** Decodes the second argument of `trampfd_create`: the data of each object type, checked. */
import { hex } from '../core/bits.js';
import type { StackLayout } from '../core/contexts.js';
import { limits } from '../core/limits.js';
import type { Shape } from '../core/shape.js';
import { decodeStackPlacement, type RegisterNumbers } from './decode-contexts.js';
import { abi, structs } from './layout.js';
import { SyscallError } from './syscall-error.js';

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
  /** Addresses of arrays in the program's memory, 8 bytes for each instance. */
  readonly codeTable: bigint;
  readonly dataTable: bigint;
}

export interface CodeData {
  readonly count: number;
  readonly shape: Shape;
}

/** Decodes `struct trampfd_user`. */
export function decodeUser(view: DataView): UserData {
  const { flags, count } = structs.trampfd_user;
  return { slow: readFlags(view, flags, abi.slow) !== 0, count: readCount(view, count) };
}

/** Decodes `struct trampfd_table`. */
export function decodeTable(view: DataView, numbers: RegisterNumbers): TableData {
  const offsets = structs.trampfd_table;
  readFlags(view, offsets.flags, 0);
  const data = {
    count: readCount(view, offsets.count),
    codeRegister: view.getUint32(offsets.code_reg, true),
    dataRegister: view.getUint32(offsets.data_reg, true),
    codeTable: view.getBigUint64(offsets.code_table, true),
    dataTable: view.getBigUint64(offsets.data_table, true),
  };
  for (const register of [data.codeRegister, data.dataRegister]) assertLoadable(register, numbers);
  if (data.codeRegister === data.dataRegister) {
    throw new SyscallError('EINVAL', 'code_reg and data_reg are the same register');
  }
  if (data.codeTable === 0n || data.dataTable === 0n) throw new SyscallError('EINVAL', 'a table is NULL');
  return data;
}

/** Decodes `struct trampfd_code`. */
export function decodeCode(view: DataView, numbers: RegisterNumbers): CodeData {
  const offsets = structs.trampfd_code;
  readFlags(view, offsets.flags, 0);
  const nregs = view.getUint32(offsets.nregs, true);
  if (nregs > limits.registers)
    throw new SyscallError('EINVAL', `nregs is ${nregs}; at most ${limits.registers}`);
  const regs = Array.from({ length: limits.registers }, (_, index) =>
    view.getUint32(offsets.regs + 4 * index, true),
  );
  if (regs.some((register, index) => index >= nregs && register !== 0)) {
    throw new SyscallError('EINVAL', 'regs after nregs are not 0');
  }
  const registers = regs.slice(0, nregs);
  for (const [index, register] of registers.entries()) {
    assertLoadable(register, numbers);
    if (index > 0 && register <= registers[index - 1]!) {
      throw new SyscallError('EINVAL', 'regs are not in ascending order, each once');
    }
  }
  return { count: readCount(view, offsets.count), shape: { registers, stack: readStackLayout(view) } };
}

function readStackLayout(view: DataView): StackLayout | undefined {
  const offsets = structs.trampfd_code;
  const size = view.getUint32(offsets.stack_size, true);
  const placement = {
    flags: view.getUint32(offsets.stack_flags, true),
    offset: view.getUint32(offsets.stack_offset, true),
  };
  if (size > limits.stackSize) {
    throw new SyscallError('EINVAL', `stack_size is ${size}; at most ${limits.stackSize}`);
  }
  const layout = decodeStackPlacement(placement);
  return size === 0 ? undefined : { size, ...layout };
}

/** Decodes `struct trampfd_handler`. */
export function decodeHandler(view: DataView): HandlerData {
  const { flags, count } = structs.trampfd_handler;
  readFlags(view, flags, 0);
  return { count: readCount(view, count) };
}

/** Returns flags, all of which must be in `knownFlags`. */
function readFlags(view: DataView, offset: number, knownFlags: number): number {
  const flags = view.getUint32(offset, true);
  if ((flags & ~knownFlags) !== 0) throw new SyscallError('EINVAL', `unknown flags ${hex(flags)}`);
  return flags;
}

function readCount(view: DataView, offset: number): number {
  const count = view.getUint32(offset, true) || 1;
  if (count > abi.maxCount) throw new SyscallError('EINVAL', `count is ${count}; at most ${abi.maxCount}`);
  return count;
}

function assertLoadable(register: number, numbers: RegisterNumbers): void {
  if (!numbers.has(register) || register === numbers.pc) {
    throw new SyscallError('EINVAL', `no register that can be loaded has the number ${register}`);
  }
}
