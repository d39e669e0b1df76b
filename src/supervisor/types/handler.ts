/** `TRAMPFD_HANDLER`: saves all registers, calls a function of the program with them, loads what that leaves. */
import { decodeHandler } from '../../abi/create.js';
import { abi, structs } from '../../abi/layout.js';
import { Refusal } from '../../abi/refusal.js';
import { fastPlans } from './fast.js';
import type { ObjectType } from './type.js';

const { regs, allowedPcs } = abi.contexts;

const plan = fastPlans({
  contexts: [regs, allowedPcs],
  entries: ({ objectCode }) => objectCode.handlerEntries(),
  body({ registers }) {
    if (registers === undefined) return undefined;
    if (registers.loads.length > 0) throw new Refusal('EINVAL', 'a handler sets no register but the PC');
    return { ...registers, stack: undefined };
  },
});

export const handler: ObjectType = {
  name: 'TRAMPFD_HANDLER',
  number: abi.types.handler,
  dataSize: structs.trampfd_handler.size,
  openTargets: false,
  plan: (data, surroundings) => plan(decodeHandler(data).count, surroundings),
};
