/** What calls of one native function have in common. */
import type { Signature } from '../abi/c-types.js';
import { thisMachine } from '../linux/host.js';
import { callFlags, stackAlignment } from '../machine/glue-layout.js';
import { checkStack } from './kinds.js';
import { argumentPlaces, memorySize, type Place, resultAddressAt, resultPlace } from './places.js';

export interface Plan {
  readonly args: readonly Place[];
  readonly result: Place | undefined;
  /** The address of the function, in halves. */
  readonly low: number;
  readonly high: number;
  readonly stackSize: number;
  readonly flags: number;
  /** Whether `errno` is kept. */
  readonly errno: boolean;
  /** Whether C runs on a stack of its own. */
  readonly ownStack: boolean;
  /** Bytes of a result in memory, and where in the state the address for it stands. */
  readonly resultSize: number;
  readonly resultAddressAt: number | undefined;
}

export function planOf(
  signature: Signature,
  address: bigint,
  { errno, ownStack }: Pick<Plan, 'errno' | 'ownStack'>,
): Plan {
  const { args, result, registers, stackSize } = thisMachine().callLayout(signature);
  const aligned = Math.ceil(stackSize / stackAlignment) * stackAlignment;
  checkStack(aligned);
  return {
    args: argumentPlaces(signature, args),
    result: resultPlace(signature.result, result, `the result of ${signature.text}`),
    low: Number(address & 0xffff_ffffn),
    high: Number(address >> 32n),
    stackSize: aligned,
    flags: (registers.vector > 0 ? callFlags.vectors : 0) | (errno ? callFlags.errno : 0),
    errno,
    ownStack,
    resultSize: memorySize(signature.result, result),
    resultAddressAt: resultAddressAt(result),
  };
}
