import type { BuildCode } from '../../build/build-code.js';
import { Assembler } from '../asm/assembler.js';
import { glue } from '../glue/index.js';
import { launcher } from './launcher.js';
import { moduleCode } from './module-code.js';

export const x64Build: BuildCode = {
  maxPageSize: 2 ** 12,
  emptyFunction,
  glue,
  moduleCode,
  importRelocation: 6, // R_X86_64_GLOB_DAT: psABI, table 4.9
  launcher,
};

function emptyFunction(): Uint8Array {
  const asm = new Assembler();
  asm.emit('endbr64');
  asm.emit('ret');
  return asm.finish();
}
