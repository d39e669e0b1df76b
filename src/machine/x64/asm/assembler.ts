/** An assembler for the instructions of the table. */
import { type Fixup, type Label, LabelAssembler, outOfReach } from '../../label-assembler.js';
import { type Encoding, encodingOf, type Form, type Operands } from './instructions.js';
import { gpr64, type Memory, operandRegisters } from './operands.js';

/** The 4 bytes of a distance to a label. */
interface DistanceFixup extends Fixup {
  /** End of the instruction, which the distance is relative to. */
  readonly instructionEnd: number;
}

const trapOpcode = encodingOf('int3').opcode[0]!;

type Operand = string | number | bigint | Label | Memory;

export class Assembler extends LabelAssembler<DistanceFixup> {
  /** Appends one instruction. */
  emit<F extends Form>(form: F, ...operands: Operands<F>): void {
    this.#encode(encodingOf(form), operands as readonly Operand[]);
  }

  override padTo(position: number): void {
    while (this.position < position) this.bytes.push(trapOpcode);
  }

  override readDistance(view: DataView, fixup: DistanceFixup, offset = fixup.offset): number {
    return view.getInt32(offset, true);
  }

  override writeDistance(
    view: DataView,
    fixup: DistanceFixup,
    distance: number,
    offset = fixup.offset,
  ): void {
    if (distance !== (distance | 0)) throw outOfReach(distance);
    view.setInt32(offset, distance, true);
  }

  protected override baseOf({ instructionEnd }: DistanceFixup): number {
    return instructionEnd;
  }

  #encode(encoding: Encoding, values: readonly Operand[]): void {
    const { form, operands, prefix, rexW, opcode, regIndex, rmIndex, registerInOpcode, modrm, trailingSize } =
      encoding;
    const registerCode = (index: number): number => {
      const code = operandRegisters[operands[index]!]?.indexOf(values[index] as string) ?? -1;
      if (code < 0) throw new RangeError(`${form}: ${String(values[index])} is not a valid operand`);
      return code;
    };
    const rm = values[rmIndex];
    const regCode = regIndex >= 0 ? registerCode(regIndex) : typeof modrm === 'number' ? modrm : 0;
    const memory = typeof rm === 'object' ? (rm as Memory) : undefined;
    const rmCode =
      rm === undefined ? 0 : memory === undefined ? registerCode(rmIndex) : baseRegisterCode(memory);
    // spl, bpl, sil and dil exist only with a REX prefix; without one the codes 4 to 7 mean ah to bh.
    const needsRex =
      (operands[regIndex] === 'r8' && regCode >= 4) ||
      (operands[rmIndex] === 'r/m8' && memory === undefined && rmCode >= 4);
    const rex =
      (rexW ? 8 : 0) |
      (regCode >= 8 ? 4 : 0) |
      (memory !== undefined && (indexRegisterCode(memory) ?? 0) >= 8 ? 2 : 0) |
      (rmCode >= 8 ? 1 : 0);

    if (prefix !== undefined) this.bytes.push(prefix);
    if (rex !== 0 || needsRex) this.bytes.push(0x40 | rex);
    for (const byte of opcode) this.bytes.push(byte);
    if (registerInOpcode) this.bytes.push(this.bytes.pop()! | (rmCode & 7));
    if (modrm !== undefined) this.#modrm(regCode & 7, rmCode & 7, memory, trailingSize);
    if (operands.includes('rel32')) this.#emitDistance(values[0] as Label, 0, 0);
    else if (trailingSize === 8) this.#pushInt64(values.at(-1) as bigint);
    else if (trailingSize === 2) this.#pushInteger(values.at(-1) as number, trailingSize, 0);
    else if (trailingSize !== 0) this.#pushInteger(values.at(-1) as number, trailingSize);
  }

  #modrm(reg: number, rm: number, memory: Memory | undefined, tail: number): void {
    const push = (mod: number, rmBits: number) => this.bytes.push((mod << 6) | (reg << 3) | rmBits);
    if (memory === undefined) {
      push(3, rm);
    } else if ('to' in memory) {
      push(0, 5);
      this.#emitDistance(memory.to, memory.addend ?? 0, tail);
    } else {
      const displacement = memory.displacement ?? 0;
      // A base whose low bits are 5 (rbp, r13) has no form without displacement: SDM table 2-2.
      const mod = displacement === 0 && rm !== 5 ? 0 : displacement === (displacement << 24) >> 24 ? 1 : 2;
      // An index takes a SIB byte, and so does a base whose low bits are 4 (rsp, r12): SDM table 2-3.
      const index = indexRegisterCode(memory);
      push(mod, index === undefined ? rm : 4);
      if (index !== undefined) {
        this.bytes.push((Math.log2(memory.index!.scale) << 6) | ((index & 7) << 3) | rm);
      } else if (rm === 4) {
        this.bytes.push(0x24);
      }
      if (mod !== 0) this.#pushInteger(displacement, mod === 1 ? 1 : 4);
    }
  }

  #emitDistance(target: Label, addend: number, tail: number): void {
    this.addFixup({ offset: this.position, instructionEnd: this.position + 4 + tail, addend, target });
    this.#pushInteger(0, 4);
  }

  #pushInteger(value: number, size: number, min = -(2 ** (8 * size - 1))): void {
    if (!Number.isInteger(value) || value < min || value >= min + 2 ** (8 * size)) {
      throw new RangeError(`${value} does not fit into ${size} bytes`);
    }
    for (let index = 0; index < size; index++) this.bytes.push((value >> (8 * index)) & 0xff);
  }

  #pushInt64(value: bigint): void {
    if (value !== BigInt.asIntN(64, value)) throw new RangeError(`${value} does not fit into 8 bytes`);
    this.#pushInteger(Number(BigInt.asIntN(32, value)), 4);
    this.#pushInteger(Number(value >> 32n), 4);
  }
}

function baseRegisterCode(memory: Memory): number {
  if ('to' in memory) return 0;
  const code = gpr64.indexOf(memory.base);
  if (code < 0) throw new RangeError(`${String(memory.base)} is not a base register`);
  return code;
}

/** Returns the code of the index register, or undefined without one. */
function indexRegisterCode(memory: Memory): number | undefined {
  if ('to' in memory || memory.index === undefined) return undefined;
  const code = gpr64.indexOf(memory.index.register);
  if (code < 0 || code === gpr64.indexOf('rsp')) {
    throw new RangeError(`${String(memory.index.register)} is not an index register`);
  }
  return code;
}
