/**
 * The code of supervised tables. An entry loads its index and jumps to the shared code, which contains the addresses of
 * the arrays once:
 *
 *     endbr64                   mov code, &codeTable      (blinded)
 *     mov r11d, number          mov data, &dataTable      (blinded)
 *     jmp shared        --->    mov code, [code+r11*8]
 *     int3                      mov data, [data+r11*8]
 *                               jmp code
 */

import { alignUp } from '../../../core/bits.js';
import { replicate } from '../../replicate.js';
import type { RandomU64, TableCode, TableContexts } from '../../supervised-code.js';
import { type TableRegisters, tableRegisters } from '../../table-registers.js';
import { Assembler } from '../asm/assembler.js';
import { gpr32, gpr64, type Index } from '../asm/operands.js';
import { registerFile } from '../registers.js';
import { redZone } from '../trampolines/stack.js';
import { emitBlindedConstant } from './blinded.js';

const stride = 16;

type Register = Index['register'];

export function tableCode(contexts: TableContexts, random: RandomU64): TableCode {
  const { count } = contexts;
  const registers = tableRegisters<Register>(registerFile, contexts, ['r11', 'r10']);
  const entryAsm = new Assembler();
  entryAsm.emit('endbr64');
  entryAsm.emit('mov r32, imm32', gpr32[gpr64.indexOf(registers.index)]!, 0);
  const indexOffset = entryAsm.position - 4;
  entryAsm.emit('jmp rel32', entryAsm.label(count * stride));
  entryAsm.padTo(stride);

  const sharedAsm = new Assembler();
  emitSharedCode(sharedAsm, registers, contexts, random);
  sharedAsm.padTo(alignUp(sharedAsm.position, stride));

  const bytes = new Uint8Array(count * stride + sharedAsm.position);
  bytes.set(replicate(entryAsm, count, () => 0));
  bytes.set(sharedAsm.finish(), count * stride);
  const view = new DataView(bytes.buffer);
  for (let index = 0; index < count; index++) view.setUint32(index * stride + indexOffset, index, true);
  return { bytes, stride };
}

function emitSharedCode(
  asm: Assembler,
  { code, data, index }: TableRegisters<Register>,
  { codeTable, dataTable }: TableContexts,
  random: RandomU64,
): void {
  const scaledIndex: Index = { register: index, scale: 8 };
  if (index === data) {
    // The table loads both scratch registers: the code word is spilled below the red zone.
    asm.emit('lea r64, m', 'rsp', { base: 'rsp', displacement: -(redZone + 8) });
    emitBlindedConstant(asm, code, codeTable, random);
    asm.emit('mov r64, r/m64', code, { base: code, index: scaledIndex });
    asm.emit('mov r/m64, r64', { base: 'rsp' }, code);
    emitBlindedConstant(asm, code, dataTable, random);
    asm.emit('mov r64, r/m64', data, { base: code, index: scaledIndex });
    asm.emit('mov r64, r/m64', code, { base: 'rsp' });
    asm.emit('lea r64, m', 'rsp', { base: 'rsp', displacement: redZone + 8 });
  } else {
    emitBlindedConstant(asm, code, codeTable, random);
    emitBlindedConstant(asm, data, dataTable, random);
    asm.emit('mov r64, r/m64', code, { base: code, index: scaledIndex });
    asm.emit('mov r64, r/m64', data, { base: data, index: scaledIndex });
  }
  asm.emit('jmp r/m64', code);
  asm.emit('int3');
}
