/**
 * The code of supervised objects: entries, which find their bodies, and bodies, which load, push and jump. An entry
 * needs two registers: only LEA adds without touching the flags, and it takes both numbers from registers. The body
 * may set them again.
 */
import { registerName } from '../../trampoline/registers.js';
import type { EntryCode, ObjectContexts, RandomWord } from '../machine.js';
import { Assembler } from './assembler.js';
import { emitBlinded } from './blinded.js';
import type { Gpr64 } from './operands.js';
import { registerFile } from './registers.js';
import { repeat } from './repeat.js';
import { emitStack, redZone, scratch } from './stack.js';

const stride = 32;
const trap = 25;

/** Registers that may hold the PC until the jump, unless they are set themselves. The entry used them already. */
const carriers = ['r11', 'r10'] as const;

const length = (count: number): number => count * stride;

function code(count: number, { selectorsAt }: { readonly selectorsAt: number }): Uint8Array {
  if (selectorsAt < length(count)) {
    throw new RangeError(`the selectors stand at ${selectorsAt}, inside ${count} entries`);
  }
  const asm = new Assembler();
  const [start, selector] = [asm.label(0), asm.label(selectorsAt)];
  asm.emit('endbr64');
  asm.emit('mov r64, r/m64', 'r11', { to: selector });
  asm.emit('lea r64, m', 'r10', { to: start });
  asm.emit('lea r64, m', 'r10', { base: 'r10', index: { register: 'r11', scale: 1 } });
  asm.emit('jmp r/m64', 'r10');
  if (asm.position !== trap) throw new Error('an entry has another length');
  asm.padTo(stride);
  return repeat(asm, count, (label) => (label === selector ? 8 : 0));
}

export const entries: EntryCode = {
  firstAt: 0,
  stride,
  length,
  trapAt: (index) => index * stride + trap,
  code,
};

/** What the longest body takes: 15 registers, and 63 bytes of stack data, whose last seven are three stores. */
export const bodySize = 832;

export function body({ pc, loads, stack }: ObjectContexts, random: RandomWord): Uint8Array {
  const asm = new Assembler();
  const registers = loads.map(({ register }) => registerName(registerFile, register) as Gpr64);
  asm.emit('endbr64');
  if (stack !== undefined) {
    emitStack(asm, stack, ({ at, width }) => {
      emitBlinded(asm, scratch.r64, littleEndian(stack.data.subarray(at, at + width)), random);
    });
  }
  const carrier = carriers.find((register) => !registers.includes(register));
  emitBlinded(asm, carrier ?? scratch.r64, pc, random);
  const below = stack === undefined || stack.setSp ? redZone : Math.max(redZone, stack.offset + stack.size);
  if (carrier === undefined) emitPark(asm, below);
  for (const [index, { value }] of loads.entries()) emitBlinded(asm, registers[index]!, value, random);
  if (carrier === undefined) asm.emit('ret imm16', below);
  else asm.emit('jmp r/m64', carrier);
  asm.emit('int3');
  return asm.finish(bodySize);
}

/**
 * Where both carriers are set, only memory can hold the PC, and memory that can be executed must not. So it waits on
 * the stack, below all that is in use, and RET takes it from there: the one jump that moves the stack pointer back at
 * the same time, so that a signal in between never finds the PC below the stack pointer. It was not called, which
 * a processor mispredicts, and refuses where there is a shadow stack.
 */
function emitPark(asm: Assembler, below: number): void {
  asm.emit('lea r64, m', 'rsp', { base: 'rsp', displacement: -(below + 8) });
  asm.emit('mov r/m64, r64', { base: 'rsp' }, scratch.r64);
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
