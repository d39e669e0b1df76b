/**
 * Code of the launcher: reads a script of system calls and executes them. The format of the script is documented in
 * `launcher/launcher.ts`. It uses no stack, calls no functions and does not return.
 */
import type { LauncherLayout } from '../../build/build-code.js';
import { Assembler } from '../asm/assembler.js';
import { systemCalls } from '../linux/system-calls.js';

/** A result of at least -4095, unsigned, is a negative errno: include/linux/err.h. CMN takes the inverse. */
const MAX_ERRNO = 4095;

/** Bytes of a system call in the script: its number and six arguments. */
const syscallEntrySize = 56;

// System calls preserve all registers except x0.
const script = 'x19';
const cursor = 'x20';
const syscallCount = 'x21';
const index = 'x22';
const relocationCount = 'x23';
const bufferEnd = 'x24';

export function launcher(layout: LauncherLayout): Uint8Array {
  const asm = new Assembler();
  const buffer = asm.label(layout.bufferOffset);
  const [readLoop, scriptRead, relocate, relocated] = [asm.label(), asm.label(), asm.label(), asm.label()];
  const [nextSyscall, fail, exit] = [asm.label(), asm.label(), asm.label()];

  asm.emit('adr <Xd>, <label>', script, buffer);
  asm.emit('mov <Xd>, #<imm>', bufferEnd, layout.bufferLength & 0xffff);
  asm.emit('movk <Xd>, #<imm>, lsl #16', bufferEnd, layout.bufferLength >>> 16);
  asm.emit('add <Xd>, <Xn>, <Xm>', bufferEnd, bufferEnd, script);
  asm.emit('mov <Xd>, <Xm>', cursor, script);
  asm.bind(readLoop);
  asm.emit('mov <Xd>, #<imm>', 'x0', layout.scriptFd);
  asm.emit('mov <Xd>, <Xm>', 'x1', cursor);
  asm.emit('sub <Xd>, <Xn>, <Xm>', 'x2', bufferEnd, cursor);
  emitSystemCall(asm, systemCalls.read);
  asm.emit('cmp <Xn|SP>, #<imm>', 'x0', 0);
  asm.emit('b.<cond> <label>', 'lt', exit);
  asm.emit('b.<cond> <label>', 'eq', scriptRead);
  asm.emit('add <Xd>, <Xn>, <Xm>', cursor, cursor, 'x0');
  asm.emit('b <label>', readLoop);

  asm.bind(scriptRead);
  asm.emit('mov <Xd>, #<imm>', 'x0', layout.scriptFd);
  emitSystemCall(asm, systemCalls.close);
  asm.emit('ldp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]', relocationCount, syscallCount, script, 0);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', cursor, script, 24);

  asm.bind(relocate);
  asm.emit('cbz <Xt>, <label>', relocationCount, relocated);
  asm.emit('ldr <Xt>, [<Xn|SP>], #<simm>', 'x0', cursor, 8);
  asm.emit('ldr <Xt>, [<Xn|SP>, <Xm>]', 'x1', script, 'x0');
  asm.emit('add <Xd>, <Xn>, <Xm>', 'x1', 'x1', script);
  asm.emit('str <Xt>, [<Xn|SP>, <Xm>]', 'x1', script, 'x0');
  asm.emit('sub <Xd|SP>, <Xn|SP>, #<imm>', relocationCount, relocationCount, 1);
  asm.emit('b <label>', relocate);

  asm.bind(relocated);
  asm.emit('mov <Xd>, #<imm>', index, 0);
  asm.bind(nextSyscall);
  asm.emit('cmp <Xn>, <Xm>', index, syscallCount);
  asm.emit('b.<cond> <label>', 'eq', exit);
  asm.emit('ldr <Xt>, [<Xn|SP>, #<pimm>]', 'x8', cursor, 0);
  for (const [pairIndex, [first, second]] of argumentPairs.entries()) {
    asm.emit('ldp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]', first, second, cursor, 8 + 16 * pairIndex);
  }
  asm.emit('svc #<imm>', 0);
  asm.emit('cmn <Xn|SP>, #<imm>', 'x0', MAX_ERRNO);
  asm.emit('b.<cond> <label>', 'cs', fail);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', cursor, cursor, syscallEntrySize);
  asm.emit('add <Xd|SP>, <Xn|SP>, #<imm>', index, index, 1);
  asm.emit('b <label>', nextSyscall);

  asm.bind(fail);
  asm.emit('neg <Xd>, <Xm>', 'x0', 'x0');
  asm.emit('stp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]', index, 'x0', script, 0);
  asm.emit('ldr <Wt>, [<Xn|SP>, #<pimm>]', 'w0', script, 16);
  asm.emit('mov <Xd>, <Xm>', 'x1', script);
  asm.emit('mov <Xd>, #<imm>', 'x2', 16);
  emitSystemCall(asm, systemCalls.write);

  asm.bind(exit);
  asm.emit('mov <Xd>, #<imm>', 'x0', layout.exitFailure);
  emitSystemCall(asm, systemCalls.exit_group);
  asm.emit('brk #<imm>', 0);
  return asm.finish();
}

/** Registers of system call arguments: syscall(2). */
const argumentPairs = [
  ['x0', 'x1'],
  ['x2', 'x3'],
  ['x4', 'x5'],
] as const;

function emitSystemCall(asm: Assembler, number: number): void {
  asm.emit('mov <Xd>, #<imm>', 'x8', number);
  asm.emit('svc #<imm>', 0);
}
