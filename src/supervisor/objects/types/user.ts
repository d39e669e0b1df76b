/** `TRAMPFD_USER`: loads registers, writes stack data, jumps. */

import { decodeUser } from '../../../abi/decode-create.js';
import { abi, structs } from '../../../abi/layout.js';
import { SyscallError } from '../../../abi/syscall-error.js';
import { alignUp, hex } from '../../../core/bits.js';
import { fastLayoutFactory } from './fast-object.js';
import type { Invocation, ObjectLayout, ObjectType, TargetInfo } from './object-type.js';

const { regs, stack, allowedPcs, allowedCallers } = abi.contexts;

/** Bytes between slow instances: the usual alignment of functions. */
const slowStride = 16;

const createFastLayout = fastLayoutFactory({
  contexts: [regs, stack, allowedPcs],
  entries: ({ supervised }) => supervised.entries,
  bodyContexts: ({ registers, stack }) => registers && { ...registers, stack },
});

export const userType: ObjectType = {
  name: 'TRAMPFD_USER',
  number: abi.types.user,
  dataSize: structs.trampfd_user.size,
  uncheckedTargets: false,

  createLayout(data, targetInfo) {
    const { slow, count } = decodeUser(data);
    return slow ? createSlowLayout(count, targetInfo) : createFastLayout(count, targetInfo);
  },

  invoke(invocation) {
    const { contexts, index, registers, targetInfo } = invocation;
    const { registers: newRegisters, stack, allowedPcs, allowedCallers } = contexts.read(index);
    const { userRegs, returnAddressOf } = targetInfo.machine.linux;
    const { stackDataTarget } = targetInfo.machine.trampolines;
    if (newRegisters === undefined) throw new SyscallError('EPERM', 'the instance has no registers');
    if (allowedPcs?.includes(newRegisters.pc) === false) {
      throw new SyscallError('EPERM', `${hex(newRegisters.pc)} is not an allowed PC`);
    }
    if (allowedCallers !== undefined) {
      const caller = returnAddressOf(registers, (address) => readUint64(invocation, address));
      if (!allowedCallers.some(([start, end]) => start <= caller && caller < end)) {
        throw new SyscallError('EPERM', `the caller ${hex(caller)} is not allowed`);
      }
    }
    invocation.assertTargetAllowed(newRegisters.pc);
    if (stack !== undefined) {
      const { dataAddress, sp } = stackDataTarget(registers.getBigUint64(userRegs.sp, true), stack);
      invocation.writeMemory(dataAddress, stack.data);
      registers.setBigUint64(userRegs.sp, sp, true);
    }
    for (const { register, value } of newRegisters.assignments) {
      registers.setBigUint64(userRegs.offsetOf(register), value, true);
    }
    registers.setBigUint64(userRegs.pc, newRegisters.pc, true);
  },
};

function createSlowLayout(count: number, { pageSize }: TargetInfo): ObjectLayout {
  const length = alignUp(count * slowStride, pageSize);
  const contexts = [regs, stack, allowedPcs, allowedCallers];
  return { slow: true, count, length, stride: slowStride, content: undefined, contexts };
}

function readUint64(invocation: Invocation, address: bigint): bigint {
  const bytes = invocation.readMemory(address, 8);
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
}
