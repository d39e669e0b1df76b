/** `TRAMPFD_HANDLER`: saves all registers, calls a function of the program with them, and loads them again. */
import { decodeHandler } from '../../../abi/decode-create.js';
import { abi, structs } from '../../../abi/layout.js';
import { SyscallError } from '../../../abi/syscall-error.js';
import { fastLayoutFactory } from './fast-object.js';
import type { ObjectType } from './object-type.js';

const { regs, allowedPcs } = abi.contexts;

const createFastLayout = fastLayoutFactory({
  contexts: [regs, allowedPcs],
  entries: ({ supervised }) => supervised.handlerEntries(),
  bodyContexts({ registers }) {
    if (registers === undefined) return undefined;
    if (registers.assignments.length > 0)
      throw new SyscallError('EINVAL', 'a handler object accepts no register except the PC');
    return { ...registers, stack: undefined };
  },
});

export const handlerType: ObjectType = {
  name: 'TRAMPFD_HANDLER',
  number: abi.types.handler,
  dataSize: structs.trampfd_handler.size,
  uncheckedTargets: false,
  createLayout: (data, targetInfo) => createFastLayout(decodeHandler(data).count, targetInfo),
};
