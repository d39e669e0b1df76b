/** `TRAMPFD_CODE`: code of one shape, for data that is the program's own. What the library's tables are made of. */
import { decodeCode } from '../../abi/create.js';
import { abi, structs } from '../../abi/layout.js';
import { Refusal } from '../../abi/refusal.js';
import type { Machine } from '../../machine/index.js';
import type { Shape } from '../../trampoline/shape.js';
import type { ObjectType } from './type.js';

export const code: ObjectType = {
  name: 'TRAMPFD_CODE',
  number: abi.types.code,
  dataSize: structs.trampfd_code.size,
  openTargets: true,

  plan(data, { machine, names, pageSize }) {
    const { count, shape } = decodeCode(data, names);
    const { stride } = machine.slotLayout(shape);
    const length = Math.ceil((count * stride) / pageSize) * pageSize;
    const content = imageOf(machine, shape, length);
    return { slow: false, count, length, stride, content, contexts: [] };
  },
};

function imageOf(machine: Machine, shape: Shape, length: number): Uint8Array {
  try {
    machine.checkShape(shape, 'regs');
    return machine.codeImage(shape, length).bytes;
  } catch (error) {
    throw new Refusal('EINVAL', (error as Error).message);
  }
}
