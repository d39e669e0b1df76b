import { type RegisterFile, registerName } from '../core/registers.js';
import type { TableContexts } from './supervised-code.js';

/** The registers that the code of a table uses. */
export interface TableRegisters<Register> {
  readonly code: Register;
  readonly data: Register;
  /** Holds the index of the trampoline. It is `data` if the table loads both scratch registers. */
  readonly index: Register;
}

/**
 * Returns the registers for the code of a table. `scratch` are those that code may change before a function.
 * @throws RangeError if both registers of the table are the same, or one is the PC
 */
export function tableRegisters<Register extends string>(
  file: RegisterFile,
  { codeRegister, dataRegister }: Pick<TableContexts, 'codeRegister' | 'dataRegister'>,
  scratch: readonly [Register, Register],
): TableRegisters<Register> {
  const [code, data] = [codeRegister, dataRegister].map((number) => {
    const name = registerName(file, number);
    if (name === file.aliases.pc) throw new RangeError(`${name} cannot be a table register`);
    return name;
  }) as [Register, Register];
  if (code === data) throw new RangeError(`codeRegister and dataRegister are both ${code}`);
  const index = scratch.find((register) => register !== code && register !== data);
  return { code, data, index: index ?? data };
}
