/** `TRAMPFD_CODE`: code of one shape that reads its data from the program's memory. The library's tables use it. */

import { decodeCode } from '../../../abi/decode-create.js';
import { abi, structs } from '../../../abi/layout.js';
import { SyscallError } from '../../../abi/syscall-error.js';
import { alignUp } from '../../../core/bits.js';
import type { Shape } from '../../../core/shape.js';
import type { Machine } from '../../../machine/index.js';
import type { ObjectType } from './object-type.js';

export const codeType: ObjectType = {
  name: 'TRAMPFD_CODE',
  number: abi.types.code,
  dataSize: structs.trampfd_code.size,
  uncheckedTargets: true,

  createLayout(data, { machine, registerNumbers, pageSize }) {
    const { count, shape } = decodeCode(data, registerNumbers);
    const { stride } = machine.trampolines.slotLayout(shape);
    const length = alignUp(count * stride, pageSize);
    const content = codeImageBytes(machine, shape, length);
    return { slow: false, count, length, stride, content, contexts: [] };
  },
};

function codeImageBytes(machine: Machine, shape: Shape, length: number): Uint8Array {
  try {
    machine.trampolines.assertShape(shape, 'regs');
    return machine.trampolines.codeImage(shape, length).bytes;
  } catch (error) {
    throw new SyscallError('EINVAL', (error as Error).message);
  }
}
