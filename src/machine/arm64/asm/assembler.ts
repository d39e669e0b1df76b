/** An assembler for the instructions of the table. */
import { type Fixup, LabelAssembler, outOfReach } from '../../label-assembler.js';
import {
  encodingOf,
  extractBits,
  type Form,
  insertBits,
  type Operand,
  type Operands,
} from './instructions.js';
import { adrpPageSize } from './operand-fields.js';
import type { LabelRef } from './operands.js';

/** An operand that is the distance to a label, relative to the instruction or to its page. */
interface OperandFixup extends Fixup {
  readonly operand: Operand;
}

/** Bytes of every instruction, and their alignment. */
export const instructionSize = 4;

export class Assembler extends LabelAssembler<OperandFixup> {
  /** Appends one instruction. */
  emit<F extends Form>(form: F, ...operands: Operands<F>): void {
    const encoding = encodingOf(form);
    let word = encoding.fixed;
    for (const [index, operand] of encoding.operands.entries()) {
      const value = operands[index] as string | number | LabelRef;
      if (typeof value === 'object') this.#emitDistance(operand, value);
      else word |= encodeOperand(form, operand, value);
    }
    if (this.position % instructionSize !== 0) throw new Error(`misaligned instruction at ${this.position}`);
    for (let shift = 0; shift < 32; shift += 8) this.bytes.push((word >>> shift) & 0xff);
  }

  /** Appends traps up to a position, after zeros up to the next multiple of an instruction. */
  override padTo(position: number): void {
    while (this.position < position && this.position % instructionSize !== 0) this.bytes.push(0);
    while (this.position < position) this.emit('brk #<imm>', 0);
  }

  override readDistance(view: DataView, fixup: OperandFixup, offset = fixup.offset): number {
    const { operand } = fixup;
    return operand.field.decode(extractBits(operand, view.getUint32(offset, true)))!;
  }

  override writeDistance(view: DataView, fixup: OperandFixup, distance: number, offset = fixup.offset): void {
    const { operand } = fixup;
    const bits = operand.field.encode(distance as never);
    if (bits === undefined) throw outOfReach(distance);
    const word = view.getUint32(offset, true);
    view.setUint32(offset, (word & ~insertBits(operand, -1)) | insertBits(operand, bits), true);
  }

  protected override baseOf({ offset, operand }: OperandFixup): number {
    return operand.name === 'page' ? offset - (offset % adrpPageSize) : offset;
  }

  #emitDistance(operand: Operand, target: LabelRef): void {
    const [label, addend] = 'to' in target ? [target.to, target.addend ?? 0] : [target, 0];
    this.addFixup({ offset: this.position, operand, addend, target: label });
  }
}

/** Returns the bits of an operand at their positions in the instruction. */
function encodeOperand(form: Form, operand: Operand, value: string | number): number {
  const bits = operand.field.encode(value as never);
  if (bits === undefined) throw new RangeError(`${form}: ${value} is not a valid <${operand.name}>`);
  return insertBits(operand, bits);
}
