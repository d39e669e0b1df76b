/**
 * The code of supervised tables. An entry only says its number; what it goes on to is shared, so that the addresses
 * of the arrays stand in the code once:
 *
 *     endbr64                   mov code, &codeTable      (blinded)
 *     mov r11d, number          mov data, &dataTable      (blinded)
 *     jmp shared        --->    mov code, [code+r11*8]
 *     int3                      mov data, [data+r11*8]
 *                               jmp code
 */
import type { RandomWord, TableCode, TableContexts } from '../machine.js';
import { tableRegisters } from '../table-registers.js';
import { Assembler } from './assembler.js';
import { emitBlinded } from './blinded.js';
import { type Gpr64, gpr32, gpr64, type Index } from './operands.js';
import { registerFile } from './registers.js';
import { repeat } from './repeat.js';
import { redZone } from './stack.js';

const stride = 16;

interface Registers {
  readonly code: Gpr64;
  readonly data: Gpr64;
  /** Holds the number. */
  readonly index: Index['register'];
}

export function table(contexts: TableContexts, random: RandomWord): TableCode {
  const { count } = contexts;
  const registers = registersFor(contexts);
  const entry = new Assembler();
  entry.emit('endbr64');
  entry.emit('mov r32, imm32', gpr32[gpr64.indexOf(registers.index)]!, 0);
  const numberAt = entry.position - 4;
  entry.emit('jmp rel32', entry.label(count * stride));
  entry.padTo(stride);

  const shared = new Assembler();
  emitShared(shared, registers, contexts, random);
  shared.padTo(Math.ceil(shared.position / stride) * stride);

  const bytes = new Uint8Array(count * stride + shared.position);
  bytes.set(repeat(entry, count, () => 0));
  bytes.set(shared.finish(), count * stride);
  const view = new DataView(bytes.buffer);
  for (let index = 0; index < count; index++) view.setUint32(index * stride + numberAt, index, true);
  return { bytes, stride };
}

function registersFor(contexts: TableContexts): Registers {
  const { code, data } = tableRegisters(registerFile, contexts) as Record<'code' | 'data', Index['register']>;
  const index = (['r11', 'r10'] as const).find((register) => register !== code && register !== data);
  return { code, data, index: index ?? data };
}

function emitShared(
  asm: Assembler,
  { code, data, index }: Registers,
  { codeTable, dataTable }: TableContexts,
  random: RandomWord,
): void {
  const number: Index = { register: index, scale: 8 };
  if (index === data) {
    // Both registers that we may use are the table's. The word of code waits below the red zone meanwhile.
    asm.emit('lea r64, m', 'rsp', { base: 'rsp', displacement: -(redZone + 8) });
    emitBlinded(asm, code, codeTable, random);
    asm.emit('mov r64, r/m64', code, { base: code, index: number });
    asm.emit('mov r/m64, r64', { base: 'rsp' }, code);
    emitBlinded(asm, code, dataTable, random);
    asm.emit('mov r64, r/m64', data, { base: code, index: number });
    asm.emit('mov r64, r/m64', code, { base: 'rsp' });
    asm.emit('lea r64, m', 'rsp', { base: 'rsp', displacement: redZone + 8 });
  } else {
    emitBlinded(asm, code, codeTable, random);
    emitBlinded(asm, data, dataTable, random);
    asm.emit('mov r64, r/m64', code, { base: code, index: number });
    asm.emit('mov r64, r/m64', data, { base: data, index: number });
  }
  asm.emit('jmp r/m64', code);
  asm.emit('int3');
}
