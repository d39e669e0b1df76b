/**
 * The code of supervised tables. An entry loads its index and jumps to the shared code, which contains the addresses of
 * the arrays once:
 *
 *     bti c                     code = &codeTable      (blinded)
 *     mov x16, number           data = &dataTable      (blinded)
 *     b   shared      --->      ldr code, [code, x16, lsl #3]
 *     brk                       ldr data, [data, x16, lsl #3]
 *                               br  code
 */
import type { RandomU64, TableCode, TableContexts } from '../../supervised-code.js';
import { type TableRegisters, tableRegisters } from '../../table-registers.js';
import { Assembler } from '../asm/assembler.js';
import type { Gpr64 } from '../asm/operands.js';
import { registerFile } from '../registers.js';
import { emitBlindedConstant } from './blinded.js';
import { indexedEntries } from './indexed-entries.js';

type GeneralRegister = Exclude<Gpr64, 'xzr'>;

const stride = 16;

export function tableCode(contexts: TableContexts, random: RandomU64): TableCode {
  const { count } = contexts;
  const registers = tableRegisters<GeneralRegister>(registerFile, contexts, ['x16', 'x17']);
  const entryBytes = indexedEntries(count, { stride, register: registers.index });
  const sharedAsm = new Assembler();
  emitSharedCode(sharedAsm, registers, contexts, random);
  const bytes = new Uint8Array(entryBytes.length + sharedAsm.position);
  bytes.set(entryBytes);
  bytes.set(sharedAsm.finish(), entryBytes.length);
  return { bytes, stride };
}

/** Only x16 and x17 may branch to any function (see slot.ts), so the PC is moved there if possible. */
function emitSharedCode(
  asm: Assembler,
  { code, data, index }: TableRegisters<GeneralRegister>,
  { codeTable, dataTable }: TableContexts,
  random: RandomU64,
): void {
  const emitLoadElement = (register: GeneralRegister, arrayBase: GeneralRegister): void =>
    asm.emit('ldr <Xt>, [<Xn|SP>, <Xm>, lsl #3]', register, arrayBase, index);
  if (index === data) {
    // The table loads both scratch registers: the code word is spilled to the stack.
    emitBlindedConstant(asm, code, codeTable, random);
    emitLoadElement(code, code);
    asm.emit('str <Xt>, [<Xn|SP>, #<simm>]!', code, 'sp', -16);
    emitBlindedConstant(asm, code, dataTable, random);
    emitLoadElement(data, code);
    asm.emit('ldr <Xt>, [<Xn|SP>], #<simm>', code, 'sp', 16);
    asm.emit('br <Xn>', code);
  } else {
    emitBlindedConstant(asm, code, codeTable, random);
    emitBlindedConstant(asm, data, dataTable, random);
    emitLoadElement(code, code);
    emitLoadElement(data, data);
    const pcRegister = code === 'x16' || code === 'x17' ? code : index;
    if (pcRegister !== code) asm.emit('mov <Xd>, <Xm>', pcRegister, code);
    asm.emit('br <Xn>', pcRegister);
  }
  asm.emit('brk #<imm>', 0);
}
