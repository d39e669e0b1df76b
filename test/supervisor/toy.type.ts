/** A type of slow objects in one file: swaps the first two arguments and jumps. For `trampfd run --type`. */
import { workerData } from 'node:worker_threads';
import { abi } from '#src/abi/layout.js';
import { registerNumber } from '#src/core/registers.js';
import type { ObjectType } from '#src/supervisor/objects/types/object-type.js';

/** What goes wrong, for tests of that. */
const trouble = process.env['TOY_TROUBLE'];
const isTracer = (workerData as { port?: unknown }).port !== undefined;
if (trouble === (isTracer ? 'no tracer' : 'no answerer')) throw new Error('trouble');

export const type: ObjectType = {
  name: 'TRAMPFD_SWAP',
  number: 77,
  dataSize: 8,
  uncheckedTargets: false,

  createLayout(_data, { pageSize }) {
    if (trouble === 'plan') throw new Error('trouble');
    const contexts = Object.values(abi.contexts).filter((context) => context !== abi.contexts.map);
    return { slow: true, count: 1, length: pageSize, stride: 16, content: undefined, contexts };
  },

  invoke({ contexts, index, registers, targetInfo }) {
    if (trouble === 'invoke') throw new Error('trouble');
    if (trouble === 'end') process.exit(3);
    const {
      linux: { userRegs },
      registerFile,
    } = targetInfo.machine;
    const [first, second] = (['arg0', 'arg1'] as const).map((name) =>
      userRegs.offsetOf(registerNumber(registerFile, name)),
    );
    const before = registers.getBigUint64(first!, true);
    registers.setBigUint64(first!, registers.getBigUint64(second!, true), true);
    registers.setBigUint64(second!, before, true);
    registers.setBigUint64(userRegs.pc, contexts.read(index).registers!.pc, true);
  },
};
