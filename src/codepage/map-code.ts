/** Maps code permanently, followed by memory for data. */
import { alignUp } from '../core/bits.js';
import { mseal, munmap, pageSize, reserveAddressSpace } from '../linux/mm/memory.js';
import { hostMachine } from '../native/host.js';
import type { CodeBlob, CodeSource, PreparedCode } from './code-page-method.js';
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
    let codeLength = method.fixedCodeLength ?? alignUp(sizeHint, pageSize());
    let { key, bytes } = createCode(codeLength);
    if (bytes.length > codeLength && method.fixedCodeLength === undefined) {
      codeLength = alignUp(bytes.length, pageSize());
      ({ key, bytes } = createCode(codeLength));
    }
    const prepared = method.prepare({
      key,
      bytes: hostMachine().trampolines.padWithTraps(bytes, codeLength),
    });
    try {
      const lengths = {
        codeLength,
        dataLength: typeof dataLength === 'number' ? dataLength : dataLength(codeLength),
      };
      return { address: mapSealed(prepared, { ...lengths, alignment: pageSize() }), codeLength };
    } finally {
      prepared.close();
    }
  });
}

/** Reserves `codeLength + dataLength` bytes, maps code at their start, and seals it. Returns the code's address. */
export function mapSealed(
  prepared: PreparedCode,
  { codeLength, dataLength, alignment }: { codeLength: number; dataLength: number; alignment: number },
): bigint {
  const length = codeLength + dataLength;
  const codeAddress = reserveAddressSpace({ length, alignment }, 'reserve memory for trampolines');
  try {
    prepared.mapAt(codeAddress);
  } catch (error) {
    munmap(codeAddress, length);
    throw error;
  }
  mseal(codeAddress, codeLength);
  return codeAddress;
}
