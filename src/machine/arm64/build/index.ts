import type { BuildCode } from '../../build/build-code.js';
import { Assembler } from '../asm/assembler.js';
import { glue } from '../glue/index.js';
import { launcher } from './launcher.js';
import { moduleCode } from './module-code.js';

export const arm64Build: BuildCode = {
  maxPageSize: 2 ** 16,
  emptyFunction,
  glue,
  moduleCode,
  importRelocation: 1025, // R_AARCH64_GLOB_DAT: AAELF64, "Dynamic relocations"
  launcher,
};

function emptyFunction(): Uint8Array {
  const asm = new Assembler();
  asm.emit('bti c');
  asm.emit('ret');
  return asm.finish();
}
