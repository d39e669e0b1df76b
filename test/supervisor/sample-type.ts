/** A sample object type in one file: slow objects that swap the first two arguments and jump. */
import { workerData } from 'node:worker_threads';
import { abi } from '#src/abi/layout.js';
import { registerNumber } from '#src/core/registers.js';
import type { ObjectType } from '#src/supervisor/objects/types/object-type.js';

/** A failure to cause, for tests. */
const failure = process.env['SAMPLE_TYPE_FAILURE'];
const isTracer = (workerData as { port?: unknown }).port !== undefined;
if (failure === (isTracer ? 'no tracer' : 'no syscall thread')) throw new Error('sample failure');

export const type: ObjectType = {
  name: 'TRAMPFD_SWAP',
  number: 77,
  dataSize: 8,
  uncheckedTargets: false,

  createLayout(_data, { pageSize }) {
    if (failure === 'layout') throw new Error('sample failure');
    const contexts = Object.values(abi.contexts).filter((context) => context !== abi.contexts.map);
    return { slow: true, count: 1, length: pageSize, stride: 16, content: undefined, contexts };
  },

  invoke({ contexts, index, registers, targetInfo }) {
    if (failure === 'invoke') throw new Error('sample failure');
    if (failure === 'tracer exits') process.exit(3);
    const {
      linux: { userRegs },
      registerFile,
    } = targetInfo.machine;
    const [first, second] = (['arg0', 'arg1'] as const).map((name) =>
      userRegs.offsetOf(registerNumber(registerFile, name)),
    );
    const firstValue = registers.getBigUint64(first!, true);
    registers.setBigUint64(first!, registers.getBigUint64(second!, true), true);
    registers.setBigUint64(second!, firstValue, true);
    registers.setBigUint64(userRegs.pc, contexts.read(index).registers!.pc, true);
  },
};
