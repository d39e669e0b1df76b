/** Maps code permanently, followed by memory for data. */
import { alignUp } from '../core/bits.js';
import { mseal, munmap, pageSize, reserveAddressSpace } from '../linux/mm/memory.js';
import { hostMachine } from '../native/host.js';
import type { CodeBlob, CodePlace, CodeSource, PreparedCode } from './code-page-method.js';
import { withFirstWorkingMethod } from './method-selection.js';

/**
 * Maps code that is not a table of slots, followed by reserved memory for data.
 * @param createCode returns the code for a length in bytes, which includes the traps after it. Called again if the
 *   code does not fit into the whole pages that `sizeHint` bytes take
 */
export function mapCode(
  createCode: (codeLength: number) => CodeBlob,
  {
    codeSource,
    dataLength,
    sizeHint = 1,
  }: {
    codeSource: CodeSource | undefined;
    dataLength: number | ((codeLength: number) => number);
    sizeHint?: number;
  },
): { address: bigint; codeLength: number } {
  return withFirstWorkingMethod(codeSource, (method) => {
    let codeLength = alignUp(sizeHint, pageSize());
    let { key, bytes } = createCode(codeLength);
    const place =
      method.locate?.(key) ?? wholeMapping(alignUp(Math.max(bytes.length, codeLength), pageSize()));
    if (distanceToData(place) !== codeLength) {
      codeLength = distanceToData(place);
      ({ key, bytes } = createCode(codeLength));
    }
    // Longer than its place if the method has other code: `prepare` reports that.
    const paddedLength = Math.max(bytes.length, place.length);
    const prepared = method.prepare({
      key,
      bytes: hostMachine().trampolines.padWithTraps(bytes, paddedLength),
      place,
    });
    try {
      const dataBytes = typeof dataLength === 'number' ? dataLength : dataLength(codeLength);
      const address = mapSealed(prepared, { place, dataLength: dataBytes, alignment: pageSize() });
      return { address, codeLength };
    } finally {
      prepared.close();
    }
  });
}

/** Reserves memory for code and data, maps the code at its start, and seals it. Returns the code's address. */
export function mapSealed(
  prepared: PreparedCode,
  { place, dataLength, alignment }: { place: CodePlace; dataLength: number; alignment: number },
): bigint {
  const length = place.mappingLength + dataLength;
  const address = reserveAddressSpace({ length, alignment }, 'reserve memory for trampolines');
  try {
    prepared.mapAt(address);
  } catch (error) {
    munmap(address, length);
    throw error;
  }
  mseal(address, place.mappingLength);
  return address + BigInt(place.start);
}

/** Returns the place of code that fills its mapping. */
export function wholeMapping(length: number): CodePlace {
  return { start: 0, length, mappingLength: length };
}

/** Returns the distance from the start of the code to its data, in bytes. */
export function distanceToData({ start, mappingLength }: CodePlace): number {
  return mappingLength - start;
}
