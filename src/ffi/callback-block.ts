/** The block of native memory that tells the glue about a callback interface: `callbackInterface` in glue-layout.ts. */
import { alignUp } from '../core/bits.js';
import { type Signature, sizeOf } from '../machine/c-types.js';
import {
  argumentCopy,
  callFlags,
  callRecord,
  crossThreadModes,
  callbackInterface as interfaceLayout,
} from '../machine/glue-layout.js';
import type { ArgLocation, CallLayout } from '../machine/index.js';
import { pointerOffset, stackArgsOffset } from './value-locations.js';

export type CrossThreadMode = keyof typeof crossThreadModes;

/** An argument that is passed by its address: `argumentCopy` in glue-layout.ts. */
type ArgumentCopy = Readonly<Record<Exclude<keyof typeof argumentCopy, 'length'>, number>>;

/**
 * Returns the locations of arguments in a saved call record. Those that are passed by their address are copied after the
 * stack arguments, since the caller's memory may be gone when the callback runs, if the caller does not wait.
 */
export function argsInRecord(
  { args }: Signature,
  layout: CallLayout,
): {
  readonly args: readonly ArgLocation[];
  readonly size: number;
  readonly copies: readonly ArgumentCopy[];
} {
  const copies: ArgumentCopy[] = [];
  let end = layout.stackSize;
  const argLocations = layout.args.map((location, index): ArgLocation => {
    if (location.in !== 'memory') return location;
    const size = sizeOf(args[index]!.type);
    const offset = end;
    end = alignUp(offset + size, 8);
    const to = callRecord.stack + offset;
    copies.push({ address: pointerOffset(location.address) - stackArgsOffset + callRecord.stack, to, size });
    return { in: 'stack', offset };
  });
  return { args: argLocations, size: end, copies };
}

/** Returns the bytes of the block. The list of copies follows the error result. */
export function encodeBlock({
  layout,
  resultSize,
  recordStackLength,
  copies,
  crossThread,
  errorResultBytes,
}: BlockContents): Uint8Array {
  const copiesOffset = alignUp(interfaceLayout.errorResults + errorResultBytes.length, 4);
  const block = new Uint8Array(copiesOffset + argumentCopy.length * (copies.length + 1));
  const view = new DataView(block.buffer);
  view.setUint32(interfaceLayout.stackSize, layout.stackSize, true);
  view.setUint32(interfaceLayout.resultSize, resultSize, true);
  view.setUint32(interfaceLayout.flags, layout.registers.vector > 0 ? callFlags.vectors : 0, true);
  view.setUint32(interfaceLayout.crossThread, crossThreadModes[crossThread], true);
  view.setUint32(interfaceLayout.recordStackLength, recordStackLength, true);
  view.setUint32(interfaceLayout.copiesOffset, copies.length === 0 ? 0 : copiesOffset, true);
  block.set(errorResultBytes, interfaceLayout.errorResults);
  for (const [index, { address, to, size }] of copies.entries()) {
    const entryOffset = copiesOffset + argumentCopy.length * index;
    view.setUint32(entryOffset + argumentCopy.address, address, true);
    view.setUint32(entryOffset + argumentCopy.to, to, true);
    view.setUint32(entryOffset + argumentCopy.size, size, true);
  }
  return block;
}

interface BlockContents {
  readonly layout: CallLayout;
  readonly resultSize: number;
  /** Bytes of the call record after its fixed part. */
  readonly recordStackLength: number;
  readonly copies: readonly ArgumentCopy[];
  readonly crossThread: CrossThreadMode;
  readonly errorResultBytes: Uint8Array;
}
