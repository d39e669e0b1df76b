import type { BuildCode } from '../../build/build-code.js';
import { Assembler } from '../asm/assembler.js';
import { launcher } from './launcher.js';

export const arm64Build: BuildCode = { emptyFunction, jumpViaMemory, launcher };

function emptyFunction(): Uint8Array {
  const asm = new Assembler();
  asm.emit('bti c');
  asm.emit('ret');
  return asm.finish();
}

function jumpViaMemory(distance: number): Uint8Array {
  const asm = new Assembler();
  asm.emit('bti c');
  asm.emit('ldr <Xt>, <label>', 'x16', asm.label(distance));
  asm.emit('br <Xn>', 'x16');
  asm.emit('brk #<imm>', 0);
  return asm.finish();
}
