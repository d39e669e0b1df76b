/** `TRAMPFD_USER`: loads registers, writes stack data, jumps. */
import { decodeUser } from '../../abi/create.js';
import { abi, structs } from '../../abi/layout.js';
import { Refusal } from '../../abi/refusal.js';
import { fastPlans } from './fast.js';
import type { Invocation, ObjectType, Plan, Surroundings } from './type.js';

const { regs, stack, allowedPcs, allowedCallers } = abi.contexts;

/** Bytes from one slow instance to the next: as functions are aligned. */
const slowStride = 16;

const fastPlan = fastPlans({
  contexts: [regs, stack, allowedPcs],
  entries: ({ objectCode }) => objectCode.entries,
  body: ({ registers, stack }) => registers && { ...registers, stack },
});

export const user: ObjectType = {
  name: 'TRAMPFD_USER',
  number: abi.types.user,
  dataSize: structs.trampfd_user.size,
  openTargets: false,

  plan(data, surroundings) {
    const { slow, count } = decodeUser(data);
    return slow ? slowPlan(count, surroundings) : fastPlan(count, surroundings);
  },

  invoke(invocation) {
    const { contexts, index, registers, surroundings } = invocation;
    const { registers: given, stack, allowedPcs, allowedCallers } = contexts.read(index);
    const { threadRegisters, stackPlace, callerOf } = surroundings.machine;
    if (given === undefined) throw new Refusal('EPERM', 'it has no registers');
    if (allowedPcs?.includes(given.pc) === false) {
      throw new Refusal('EPERM', `0x${given.pc.toString(16)} is not among the allowed PCs`);
    }
    if (allowedCallers !== undefined) {
      const caller = callerOf(registers, (address) => wordAt(invocation, address));
      if (!allowedCallers.some(([first, end]) => first <= caller && caller < end)) {
        throw new Refusal('EPERM', `the caller 0x${caller.toString(16)} is not allowed`);
      }
    }
    invocation.checkTarget(given.pc);
    if (stack !== undefined) {
      const { dataAt, sp } = stackPlace(registers.getBigUint64(threadRegisters.sp, true), stack);
      invocation.writeMemory(dataAt, stack.data);
      registers.setBigUint64(threadRegisters.sp, sp, true);
    }
    for (const { register, value } of given.loads) {
      registers.setBigUint64(threadRegisters.at(register), value, true);
    }
    registers.setBigUint64(threadRegisters.pc, given.pc, true);
  },
};

function slowPlan(count: number, { pageSize }: Surroundings): Plan {
  const length = Math.ceil((count * slowStride) / pageSize) * pageSize;
  const contexts = [regs, stack, allowedPcs, allowedCallers];
  return { slow: true, count, length, stride: slowStride, content: undefined, contexts };
}

function wordAt(invocation: Invocation, address: bigint): bigint {
  const bytes = invocation.readMemory(address, 8);
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
}
