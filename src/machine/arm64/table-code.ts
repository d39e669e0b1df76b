/**
 * The code of supervised tables. An entry only says its number; what it goes on to is shared, so that the addresses
 * of the arrays stand in the code once:
 *
 *     bti c                     code = &codeTable      (blinded)
 *     mov x16, number           data = &dataTable      (blinded)
 *     b   shared      --->      ldr code, [code, x16, lsl #3]
 *     brk                       ldr data, [data, x16, lsl #3]
 *                               br  code
 */
import type { RandomWord, TableCode, TableContexts } from '../machine.js';
import { tableRegisters } from '../table-registers.js';
import { Assembler } from './assembler.js';
import { emitBlinded } from './blinded.js';
import { numberedEntries } from './numbered-entries.js';
import type { Gpr64 } from './operands.js';
import { registerFile } from './registers.js';

type General = Exclude<Gpr64, 'xzr'>;

interface Registers {
  readonly code: General;
  readonly data: General;
  /** Holds the number. */
  readonly index: General;
}

const stride = 16;

export function table(contexts: TableContexts, random: RandomWord): TableCode {
  const { count } = contexts;
  const registers = registersFor(contexts);
  const entries = numberedEntries(count, { stride, register: registers.index });
  const shared = new Assembler();
  emitShared(shared, registers, contexts, random);
  const bytes = new Uint8Array(entries.length + shared.position);
  bytes.set(entries);
  bytes.set(shared.finish(), entries.length);
  return { bytes, stride };
}

function registersFor(contexts: TableContexts): Registers {
  const { code, data } = tableRegisters(registerFile, contexts) as Pick<Registers, 'code' | 'data'>;
  const index = (['x16', 'x17'] as const).find((register) => register !== code && register !== data);
  return { code, data, index: index ?? data };
}

/** Only from x16 and x17 may a branch lead to any function (see slot.ts), so the PC goes there where it can. */
function emitShared(
  asm: Assembler,
  { code, data, index }: Registers,
  { codeTable, dataTable }: TableContexts,
  random: RandomWord,
): void {
  const word = (register: General, from: General): void =>
    asm.emit('ldr <Xt>, [<Xn|SP>, <Xm>, lsl #3]', register, from, index);
  if (index === data) {
    // Both registers that we may use are the table's. The word of code waits on the stack meanwhile.
    emitBlinded(asm, code, codeTable, random);
    word(code, code);
    asm.emit('str <Xt>, [<Xn|SP>, #<simm>]!', code, 'sp', -16);
    emitBlinded(asm, code, dataTable, random);
    word(data, code);
    asm.emit('ldr <Xt>, [<Xn|SP>], #<simm>', code, 'sp', 16);
    asm.emit('br <Xn>', code);
  } else {
    emitBlinded(asm, code, codeTable, random);
    emitBlinded(asm, data, dataTable, random);
    word(code, code);
    word(data, data);
    const carrier = code === 'x16' || code === 'x17' ? code : index;
    if (carrier !== code) asm.emit('mov <Xd>, <Xm>', carrier, code);
    asm.emit('br <Xn>', carrier);
  }
  asm.emit('brk #<imm>', 0);
}
