import { type RegisterFile, registerName } from '../core/registers.js';
import type { TableContexts } from './machine.js';

/**
 * The names of the registers that a table loads with code and with data.
 * @throws RangeError when they are the same, or one is the PC
 */
export function tableRegisters(
  file: RegisterFile,
  { codeRegister, dataRegister }: Pick<TableContexts, 'codeRegister' | 'dataRegister'>,
): { readonly code: string; readonly data: string } {
  const [code, data] = [codeRegister, dataRegister].map((number) => {
    const name = registerName(file, number);
    if (name === file.aliases.pc) throw new RangeError(`a table cannot load ${name} from an array`);
    return name;
  }) as [string, string];
  if (code === data) throw new RangeError(`a table cannot load ${code} with code and with data`);
  return { code, data };
}
