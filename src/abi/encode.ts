/** Encodes validated contexts and object data as structures of the C interface. */
import type { CallerRange, RegisterContext, StackContext } from '../core/contexts.js';
import type { Shape } from '../core/shape.js';
import { abi, structs } from './layout.js';

/** Encodes `struct trampfd_user`. */
export function encodeUser({ slow, count }: { slow: boolean; count: number }): Uint8Array {
  return new Uint8Array(Uint32Array.of(slow ? abi.slow : 0, count).buffer);
}

/** Encodes `struct trampfd_code`. */
export function encodeCode({ shape, count }: { shape: Shape; count: number }): Uint8Array {
  const { size, regs } = structs.trampfd_code;
  const { registers, stack } = shape;
  const words = new Uint32Array(size / 4);
  const flags = stack?.setSp === true ? abi.setSp : 0;
  words.set([0, count, registers.length, stack?.size ?? 0, stack?.offset ?? 0, flags]);
  words.set(registers, regs / 4);
  return new Uint8Array(words.buffer);
}

/** Encodes `struct trampfd_regs`; `undefined` removes the context. */
export function encodeRegisters(registers: RegisterContext | undefined, pcNumber: number): Uint8Array {
  const { regs } = structs.trampfd_regs;
  const { size, name, value } = structs.trampfd_reg;
  const entries =
    registers === undefined ? [] : [{ register: pcNumber, value: registers.pc }, ...registers.assignments];
  const view = new DataView(new ArrayBuffer(regs + entries.length * size));
  view.setUint32(0, entries.length, true);
  for (const [index, entry] of entries.entries()) {
    view.setUint32(regs + index * size + name, entry.register, true);
    view.setBigUint64(regs + index * size + value, entry.value, true);
  }
  return new Uint8Array(view.buffer);
}

/** Encodes `struct trampfd_stack`; `undefined` removes the context. */
export function encodeStack(stack: StackContext | undefined): Uint8Array {
  const offsets = structs.trampfd_stack;
  const bytes = new Uint8Array(offsets.data + (stack?.size ?? 0));
  if (stack === undefined) return bytes;
  const view = new DataView(bytes.buffer);
  view.setUint32(offsets.flags, stack.setSp ? abi.setSp : 0, true);
  view.setUint32(offsets.offset, stack.offset, true);
  view.setUint32(offsets.data_size, stack.size, true);
  bytes.set(stack.data, offsets.data);
  return bytes;
}

/** Encodes `struct trampfd_values` with PCs; none removes the context. */
export function encodeAllowedPcs(pcs: readonly bigint[] = []): Uint8Array {
  const { values } = structs.trampfd_values;
  const view = new DataView(new ArrayBuffer(values + 8 * pcs.length));
  view.setUint32(0, pcs.length, true);
  for (const [index, value] of pcs.entries()) view.setBigUint64(values + 8 * index, value, true);
  return new Uint8Array(view.buffer);
}

/** Encodes `struct trampfd_values` with ranges; none removes the context. */
export function encodeAllowedCallers(ranges: readonly CallerRange[] = []): Uint8Array {
  return encodeAllowedPcs(ranges.flat());
}
