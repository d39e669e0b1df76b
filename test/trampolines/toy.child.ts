/** Opens the fault engine with a type of its own, makes a trampoline of it by hand, and calls it. */
import assert from 'node:assert/strict';
import { addressOf, createTrampoline, symbolAddress } from '#src/index.js';
import { mappingOf } from '#src/linux/process/proc-maps.js';
import * as arm64 from '#src/machine/arm64/faults/fault-handler.js';
import {
  type FaultType as Arm64FaultType,
  emitIncrementCounter,
} from '#src/machine/arm64/faults/fault-type.js';
import { ucontext } from '#src/machine/arm64/faults/signal-frame.js';
import { slowStride } from '#src/machine/fault-control.js';
import type { FaultHandlerCode } from '#src/machine/index.js';
import * as x64 from '#src/machine/x64/faults/fault-handler.js';
import type { FaultType as X64FaultType } from '#src/machine/x64/faults/fault-type.js';
import { frameOffset } from '#src/machine/x64/faults/signal-frame.js';
import { memoryAt } from '#src/native/memory-view.js';
import { createArena, installFaultHandler } from '#src/trampolines/slots/sigsegv-handler.js';
import { callInt64 } from '../support/calls.js';

/** Jumps to the first of two targets that stand behind the descriptor's header, and swaps them. */
const name = 'alternate';
const onX64: X64FaultType = {
  name,
  emit(asm, { complete }) {
    asm.emit('lock add m64, imm8', { base: 'r10' }, 1);
    asm.emit('mov r64, r/m64', 'rbp', 'rdx');
    asm.emit('mov r64, r/m64', 'rax', { base: 'rbx', displacement: 16 });
    asm.emit('mov r64, r/m64', 'rcx', { base: 'rbx', displacement: 24 });
    asm.emit('mov r/m64, r64', { base: 'rbx', displacement: 16 }, 'rcx');
    asm.emit('mov r/m64, r64', { base: 'rbx', displacement: 24 }, 'rax');
    asm.emit('mov r/m64, r64', { base: 'rbp', displacement: frameOffset('rip') }, 'rax');
    asm.emit('jmp rel32', complete);
  },
};
const onArm64: Arm64FaultType = {
  name,
  emit(asm, { complete }) {
    emitIncrementCounter(asm);
    asm.emit('ldp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]', 'x3', 'x4', 'x12', 16);
    asm.emit('stp <Xt1>, <Xt2>, [<Xn|SP>, #<simm>]', 'x4', 'x3', 'x12', 16);
    asm.emit('str <Xt>, [<Xn|SP>, #<pimm>]', 'x3', 'x2', ucontext.pc);
    asm.emit('b <label>', complete);
  },
};
const handlers: Readonly<Record<string, (controlAt: number) => FaultHandlerCode>> = {
  x64: (controlAt) => x64.faultHandler(controlAt, [...x64.faultTypes, onX64]),
  arm64: (controlAt) => arm64.faultHandler(controlAt, [...arm64.faultTypes, onArm64]),
};

const { routines } = installFaultHandler(handlers[process.arch]!);
const arena = createArena(2 ** 20, 2 ** 20);
const [pid, ppid] = [BigInt(process.pid), BigInt(process.ppid)];
const descriptor = BigUint64Array.of(routines[name]!, 0n, symbolAddress('getpid'), symbolAddress('getppid'));
new BigUint64Array(memoryAt(arena.selectorsAlias, 4096))[1] = addressOf(descriptor);
const address = arena.base + BigInt(slowStride);
for (let round = 0; round < 3; round++) {
  assert.equal(callInt64(address), pid);
  assert.equal(callInt64(address), ppid);
}
assert.equal(new BigUint64Array(memoryAt(arena.counters, 4096))[2], 6n);

// The other type still works, through the same handler.
const user = createTrampoline({ mode: 'slow', registers: { pc: symbolAddress('getpid') } });
assert.equal(callInt64(user.address), pid);
assert.equal(user.stats().invocations, 1n);
assert.equal(mappingOf(routines[name]!)!.executable, true);
assert.notEqual(descriptor.length, 0);
console.log('done');
