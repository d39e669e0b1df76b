/** An assembler for the instructions of the table, with labels. */

import {
  encodingOf,
  extractBits,
  type Form,
  insertBits,
  type Operand,
  type Operands,
} from './instructions.js';
import { adrpPageSize } from './operand-fields.js';
import type { Label, LabelRef } from './operands.js';

/** Where a label's distance stands in the code. */
export interface Fixup {
  /** The position of the instruction, from which the distance counts, or from its page. */
  readonly offset: number;
  readonly operand: Operand;
  readonly addend: number;
  readonly target: Label;
}

/** Every instruction is so long, and stands at a multiple of it. */
export const instructionSize = 4;

export class Assembler {
  readonly #bytes: number[] = [];
  readonly #positions = new Map<Label, number>();
  readonly #fixups: Fixup[] = [];

  /** Bytes written so far. */
  get position(): number {
    return this.#bytes.length;
  }

  /** Places where the distance to a label stands. */
  get fixups(): readonly Fixup[] {
    return this.#fixups;
  }

  /** A new label. With a position it stands there, inside the code or beyond it; without, wherever `bind` puts it. */
  label(position?: number): Label {
    const label = { label: Symbol() };
    if (position !== undefined) this.#positions.set(label, position);
    return label;
  }

  /** Puts a label here. */
  bind(label: Label): void {
    this.#positions.set(label, this.position);
  }

  /** Appends one instruction. */
  emit<F extends Form>(form: F, ...operands: Operands<F>): void {
    const encoding = encodingOf(form);
    let word = encoding.fixed;
    for (const [index, operand] of encoding.operands.entries()) {
      const value = operands[index] as string | number | LabelRef;
      if (typeof value === 'object') this.#addFixup(operand, value);
      else word |= encodeOperand(form, operand, value);
    }
    if (this.position % instructionSize !== 0) throw new Error(`an instruction at ${this.position}`);
    for (let shift = 0; shift < 32; shift += 8) this.#bytes.push((word >>> shift) & 0xff);
  }

  /** Appends bytes that are no code. */
  data(bytes: Uint8Array): void {
    this.#bytes.push(...bytes);
  }

  /** Fills with traps up to a position. Behind data that ends between two instructions come zeros first. */
  padTo(position: number): void {
    while (this.position < position && this.position % instructionSize !== 0) this.#bytes.push(0);
    while (this.position < position) this.emit('brk #<imm>', 0);
  }

  /**
   * The finished code, distances filled in, and traps behind it up to a length. Throws when a label was never bound
   * or is out of reach.
   */
  finish(length = this.position): Uint8Array {
    this.padTo(length);
    const bytes = Uint8Array.from(this.#bytes);
    const view = new DataView(bytes.buffer);
    for (const { offset, operand, addend, target } of this.#fixups) {
      const position = this.#positions.get(target);
      if (position === undefined) throw new Error('a label was used and never bound');
      const base = operand.name === 'page' ? offset - (offset % adrpPageSize) : offset;
      writeDistance(view, { offset, operand }, position + addend - base);
    }
    return bytes;
  }

  #addFixup(operand: Operand, target: LabelRef): void {
    const [label, addend] = 'to' in target ? [target.to, target.addend ?? 0] : [target, 0];
    this.#fixups.push({ offset: this.position, operand, addend, target: label });
  }
}

/** The bits of an operand in an instruction. */
function encodeOperand(form: Form, operand: Operand, value: string | number): number {
  const bits = operand.field.encode(value as never);
  if (bits === undefined) throw new RangeError(`${form}: ${value} is no <${operand.name}>`);
  return insertBits(operand, bits);
}

/** The distance that stands at a fixup. */
export function readDistance(view: DataView, { offset, operand }: Pick<Fixup, 'offset' | 'operand'>): number {
  return operand.field.decode(extractBits(operand, view.getUint32(offset, true)))!;
}

export function writeDistance(
  view: DataView,
  { offset, operand }: Pick<Fixup, 'offset' | 'operand'>,
  distance: number,
): void {
  const bits = operand.field.encode(distance as never);
  if (bits === undefined) throw new RangeError(`a label is ${distance} bytes away, out of reach`);
  const word = view.getUint32(offset, true);
  view.setUint32(offset, (word & ~insertBits(operand, -1)) | insertBits(operand, bits), true);
}
