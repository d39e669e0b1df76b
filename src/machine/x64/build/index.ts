import type { BuildCode } from '../../build/build-code.js';
import { Assembler } from '../asm/assembler.js';
import { launcher } from './launcher.js';

export const x64Build: BuildCode = { emptyFunction, jumpViaMemory, launcher };

function emptyFunction(): Uint8Array {
  const asm = new Assembler();
  asm.emit('endbr64');
  asm.emit('ret');
  return asm.finish();
}

function jumpViaMemory(distance: number): Uint8Array {
  const asm = new Assembler();
  asm.emit('endbr64');
  asm.emit('jmp r/m64', { to: asm.label(distance) });
  asm.emit('int3');
  return asm.finish();
}
