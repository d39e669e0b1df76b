/**
 * Regions: one range of memory each, code first, then space for data. The code of one shape and size is prepared
 * once and mapped into every region of that class.
 *
 * A region is never unmapped: its code is sealed (`mseal`), and an address that was a trampoline's must not become
 * other memory. A released region waits in a pool for the next table of its class. Until then its data has no
 * access rights, so that a call to an old address faults at that address.
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
  PROT_NONE,
  pageSize,
} from '../linux/mm/memory.js';
import { ehFrame } from '../machine/eh-frame.js';
import type { CodeImage } from '../machine/index.js';
import { hostMachine } from '../native/host.js';
import { registerFrames } from '../native/register-frames.js';
import type { CodePageMethod, CodePlace, CodeSource, PreparedCode } from './code-page-method.js';
import { distanceToData, mapSealed, wholeMapping } from './map-code.js';
import { withFirstWorkingMethod } from './method-selection.js';

/** Mappings of code begin at multiples of this many bytes, and none is longer: the quotient identifies the region. */
export const regionAlignment = 2 ** 20;

export interface Region {
  readonly regionClass: RegionClass;
  readonly image: CodeImage;
  /** The address of the first code slot. */
  readonly codeAddress: bigint;
  /** Bytes from there to the end of the mapping. */
  readonly codeLength: number;
  /** The address of the first data slot: the end of the mapping of code. */
  readonly dataAddress: bigint;
  /** Bytes reserved for data: whole pages. */
  readonly dataLength: number;
}

/** Regions of one shape and size, created by one method. */
export interface RegionClass {
  readonly method: CodePageMethod;
  readonly image: CodeImage;
  readonly place: CodePlace;
  /** Retained while a region is in use. */
  prepared: PreparedCode | undefined;
  refCount: number;
  readonly freeRegions: Region[];
}

export interface RegionRequest {
  /** Bytes of code: whole pages. Methods that cannot generate code use what they have. */
  readonly codeLength: number;
  /** `undefined`: the first method that the system allows. */
  readonly codeSource: CodeSource | undefined;
}

const regionClasses = new Map<string, RegionClass>();
const regionNumbers = new Set<bigint>();

/** Returns a region with code for a shape. Its data is not mapped yet. */
export function acquireRegion(shape: Shape, { codeLength, codeSource }: RegionRequest): Region {
  return withFirstWorkingMethod(codeSource, (method) => {
    const length = method.locate === undefined ? `${codeLength}` : 'fixed';
    const key = `${method.name} ${length} ${shapeKey(shape)}`;
    const regionClass = regionClasses.get(key) ?? createRegionClass(shape, method, codeLength);
    const region = regionClass.freeRegions.pop() ?? createRegion(regionClass);
    // Only with a region: a file with a wrong place for the code may be replaced by a right one.
    regionClasses.set(key, regionClass);
    regionClass.refCount++;
    return region;
  });
}

/** Returns a region to the pool and discards its data. */
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
    // At the limit of mappings, a process cannot replace a mapping, but it can change one. This does not discard
    // memory of a file; that is done when the region is used again.
    mprotect(dataAddress, dataLength, PROT_NONE);
    madviseDontneed(dataAddress, dataLength);
  }
}

/** Whether an address is in the code of a region. */
export function isCodeAddress(address: bigint): boolean {
  return regionNumbers.has(address / BigInt(regionAlignment));
}

function createRegionClass(shape: Shape, method: CodePageMethod, codeLength: number): RegionClass {
  const place = method.locate?.(shapeKey(shape)) ?? wholeMapping(codeLength);
  const image = hostMachine().trampolines.codeImage(shape, place.length, distanceToData(place));
  return { method, image, place, prepared: undefined, refCount: 0, freeRegions: [] };
}

function createRegion(regionClass: RegionClass): Region {
  const { image, method, place } = regionClass;
  const { bytes, shape } = image;
  const prepared = regionClass.prepared ?? method.prepare({ key: shapeKey(shape), bytes, shape, place });
  try {
    const codeLength = distanceToData(place);
    const dataLength = alignUp(image.count * dataLayout(image.shape).stride, pageSize());
    const codeAddress = mapSealed(prepared, { place, dataLength, alignment: regionAlignment });
    regionNumbers.add(codeAddress / BigInt(regionAlignment));
    if (image.frame !== undefined) registerFrames(ehFrame(image.frame, codeAddress));
    regionClass.prepared = prepared;
    const dataAddress = codeAddress + BigInt(codeLength);
    return { regionClass, image, codeAddress, codeLength, dataAddress, dataLength };
  } catch (error) {
    if (regionClass.prepared === undefined) prepared.close();
    throw error;
  }
}
