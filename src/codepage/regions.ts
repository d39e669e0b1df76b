/**
 * Regions: one range of memory, code in front, room for data behind. Code of one shape and size is prepared
 * once and mapped into every region of that kind.
 *
 * A region is never unmapped. Its code is sealed against that (`mseal`), and an address that was handed out
 * must not become somebody else's memory. It waits in a pool for the next table of its kind; until then its
 * data has no access, so that a call to an old address faults at that address.
 */

import { alignUp } from '../core/bits.js';
import { dataLayout, type Shape, shapeKey } from '../core/shape.js';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_NORESERVE,
  MAP_PRIVATE,
  madviseDontneed,
  mmap,
  mprotect,
  mseal,
  munmap,
  PROT_NONE,
  pageSize,
  reserveAddressSpace,
} from '../linux/mm/memory.js';
import { ehFrame } from '../machine/eh-frame.js';
import type { CodeImage } from '../machine/index.js';
import { hostMachine } from '../native/host.js';
import { registerFrames } from '../native/register-frames.js';
import type { CodeBlob, CodePageMethod, CodePageMethodName, PreparedCode } from './code-page-method.js';
import { withFirstWorkingMethod } from './method-selection.js';

/** Regions begin at multiples of this, and no code is longer: the number above it names the region. */
export const regionAlignment = 2 ** 20;

export interface Region {
  readonly regionClass: RegionClass;
  readonly image: CodeImage;
  /** The first code slot. */
  readonly codeAddress: bigint;
  /** The first data slot: right behind the code. */
  readonly dataAddress: bigint;
  /** Bytes reserved for data: whole pages. */
  readonly dataLength: number;
}

/** Regions of one shape and size, by one method. */
export interface RegionClass {
  readonly method: CodePageMethod;
  readonly image: CodeImage;
  /** Kept while some region is in use. */
  prepared: PreparedCode | undefined;
  refCount: number;
  readonly freeRegions: Region[];
}

export interface RegionRequest {
  /** Bytes of code: whole pages. A method that has only one length gives that. */
  readonly codeLength: number;
  /** Without one, the first that the system allows. */
  readonly method: CodePageMethodName | undefined;
}

const regionClasses = new Map<string, RegionClass>();
const regionNumbers = new Set<bigint>();

/** A region with code for a shape. Its data is not mapped yet. */
export function acquireRegion(shape: Shape, { codeLength, method }: RegionRequest): Region {
  return withFirstWorkingMethod(method, (chosen) => {
    const regionClass = regionClassFor(shape, chosen, chosen.fixedCodeLength ?? codeLength);
    const region = regionClass.freeRegions.pop() ?? createRegion(regionClass);
    regionClass.refCount++;
    return region;
  });
}

/** Gives a region back. Its data is dropped. */
export function releaseRegion(region: Region): void {
  const { regionClass, dataAddress, dataLength } = region;
  regionClass.freeRegions.push(region);
  regionClass.refCount--;
  if (regionClass.refCount === 0) {
    regionClass.prepared?.close();
    regionClass.prepared = undefined;
  }
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
  try {
    mmap({ address: dataAddress, length: dataLength, prot: PROT_NONE, flags }, 'release trampolines');
  } catch {
    // A process with as many mappings as it may have can not even replace one, but it can change one. Memory
    // of a file is not dropped by this, only when the region is used again.
    mprotect(dataAddress, dataLength, PROT_NONE);
    madviseDontneed(dataAddress, dataLength);
  }
}

/** Whether an address lies in the code of a region. */
export function isCodeAddress(address: bigint): boolean {
  return regionNumbers.has(address / BigInt(regionAlignment));
}

/**
 * Maps code that is not a table of slots, for good, with reserved memory behind it.
 * @param createCode the code, when it is known how many bytes it will have, traps behind it included; called again when it
 *   does not fit into the whole pages that `expected` bytes take
 */
export function mapCode(
  createCode: (codeLength: number) => CodeBlob,
  {
    method,
    dataLength,
    sizeHint = 1,
  }: { method: CodePageMethodName | undefined; dataLength: number; sizeHint?: number },
): { address: bigint; codeLength: number } {
  return withFirstWorkingMethod(method, (chosen) => {
    let codeLength = chosen.fixedCodeLength ?? alignUp(sizeHint, pageSize());
    let { key, bytes } = createCode(codeLength);
    if (bytes.length > codeLength && chosen.fixedCodeLength === undefined) {
      codeLength = alignUp(bytes.length, pageSize());
      ({ key, bytes } = createCode(codeLength));
    }
    const prepared = chosen.prepare({
      key,
      bytes: hostMachine().trampolines.padWithTraps(bytes, codeLength),
    });
    try {
      return { address: mapSealed(prepared, { codeLength, dataLength, alignment: pageSize() }), codeLength };
    } finally {
      prepared.close();
    }
  });
}

function regionClassFor(shape: Shape, method: CodePageMethod, codeLength: number): RegionClass {
  const key = `${method.name} ${codeLength} ${shapeKey(shape)}`;
  let regionClass = regionClasses.get(key);
  if (regionClass === undefined) {
    const image = hostMachine().trampolines.codeImage(shape, codeLength);
    regionClass = { method, image, prepared: undefined, refCount: 0, freeRegions: [] };
    regionClasses.set(key, regionClass);
  }
  return regionClass;
}

function createRegion(regionClass: RegionClass): Region {
  const { image, method } = regionClass;
  const key = shapeKey(image.shape);
  const prepared = regionClass.prepared ?? method.prepare({ key, bytes: image.bytes, shape: image.shape });
  try {
    const codeLength = image.bytes.length;
    const dataLength = alignUp(image.count * dataLayout(image.shape).stride, pageSize());
    const codeAddress = mapSealed(prepared, { codeLength, dataLength, alignment: regionAlignment });
    regionNumbers.add(codeAddress / BigInt(regionAlignment));
    if (image.frame !== undefined) registerFrames(ehFrame(image.frame, codeAddress));
    regionClass.prepared = prepared;
    return { regionClass, image, codeAddress, dataAddress: codeAddress + BigInt(codeLength), dataLength };
  } catch (error) {
    if (regionClass.prepared === undefined) prepared.close();
    throw error;
  }
}

/** Reserves memory and maps code into its front, for good. */
function mapSealed(
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
