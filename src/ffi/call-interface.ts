/** What calls of one native function have in common. */
import type { Signature } from '../machine/c-types.js';
import { callFlags, stackAlignment } from '../machine/glue-layout.js';
import { hostMachine } from '../native/host.js';
import { assertStackSize } from './callback-interface.js';
import {
  argumentLocations,
  resultLocation,
  resultMemorySize,
  resultPointerOffset,
  type ValueLocation,
} from './value-locations.js';

export interface CallInterface {
  readonly args: readonly ValueLocation[];
  readonly result: ValueLocation | undefined;
  /** The address of the function, in halves. */
  readonly targetLo: number;
  readonly targetHi: number;
  readonly stackSize: number;
  readonly flags: number;
  /** Whether `errno` is kept. */
  readonly errno: boolean;
  /** Whether C runs on a stack of its own. */
  readonly onFiber: boolean;
  /** Bytes of a result in memory, and where in the state the address for it stands. */
  readonly resultSize: number;
  readonly resultPointerOffset: number | undefined;
}

export function prepareCall(
  signature: Signature,
  address: bigint,
  { errno, onFiber }: Pick<CallInterface, 'errno' | 'onFiber'>,
): CallInterface {
  const { args, result, registers, stackSize } = hostMachine().ffi.callLayout(signature);
  const alignedStackSize = Math.ceil(stackSize / stackAlignment) * stackAlignment;
  assertStackSize(alignedStackSize);
  return {
    args: argumentLocations(signature, args),
    result: resultLocation(signature.result, result, `the result of ${signature.text}`),
    targetLo: Number(address & 0xffff_ffffn),
    targetHi: Number(address >> 32n),
    stackSize: alignedStackSize,
    flags: (registers.vector > 0 ? callFlags.vectors : 0) | (errno ? callFlags.errno : 0),
    errno,
    onFiber,
    resultSize: resultMemorySize(signature.result, result),
    resultPointerOffset: resultPointerOffset(result),
  };
}
