/**
 * Regions: one range of memory, code in front, room for data behind. Code of one shape and size is prepared
 * once and mapped into every region of that kind.
 *
 * A region is never unmapped. Its code is sealed against that (`mseal`), and an address that was handed out
 * must not become somebody else's memory. It waits in a pool for the next table of its kind; until then its
 * data has no access, so that a call to an old address faults at that address.
 */
import { thisMachine } from '../linux/host.js';
import {
  discard,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_NORESERVE,
  MAP_PRIVATE,
  mmap,
  mprotect,
  mseal,
  munmap,
  PROT_NONE,
  pageSize,
  reserve,
} from '../linux/memory.js';
import { registerFrames } from '../linux/unwind.js';
import { ehFrame } from '../machine/eh-frame.js';
import type { CodeImage } from '../machine/index.js';
import { dataLayout, type Shape, shapeKey } from '../trampoline/shape.js';
import type { Code, CodePageMethod, CodePageMethodName, PreparedCode } from './method.js';
import { byMethod } from './methods.js';

/** Regions begin at multiples of this, and no code is longer: the number above it names the region. */
export const regionAlignment = 2 ** 20;

export interface Region {
  readonly kind: RegionKind;
  readonly image: CodeImage;
  /** The first code slot. */
  readonly code: bigint;
  /** The first data slot: right behind the code. */
  readonly data: bigint;
  /** Bytes reserved for data: whole pages. */
  readonly dataLength: number;
}

/** Regions of one shape and size, by one method. */
export interface RegionKind {
  readonly method: CodePageMethod;
  readonly image: CodeImage;
  /** Kept while some region is in use. */
  prepared: PreparedCode | undefined;
  used: number;
  readonly idle: Region[];
}

export interface RegionRequest {
  /** Bytes of code: whole pages. A method that has only one length gives that. */
  readonly codeLength: number;
  /** Without one, the first that the system allows. */
  readonly method: CodePageMethodName | undefined;
}

const kinds = new Map<string, RegionKind>();
const regions = new Set<bigint>();

/** A region with code for a shape. Its data is not mapped yet. */
export function acquireRegion(shape: Shape, { codeLength, method }: RegionRequest): Region {
  return byMethod(method, (chosen) => {
    const kind = kindOf(shape, chosen, chosen.codeLength ?? codeLength);
    const region = kind.idle.pop() ?? makeRegion(kind);
    kind.used++;
    return region;
  });
}

/** Gives a region back. Its data is dropped. */
export function releaseRegion(region: Region): void {
  const { kind, data, dataLength } = region;
  kind.idle.push(region);
  kind.used--;
  if (kind.used === 0) {
    kind.prepared?.close();
    kind.prepared = undefined;
  }
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
  try {
    mmap({ address: data, length: dataLength, prot: PROT_NONE, flags }, 'release trampolines');
  } catch {
    // A process with as many mappings as it may have can not even replace one, but it can change one. Memory
    // of a file is not dropped by this, only when the region is used again.
    mprotect(data, dataLength, PROT_NONE);
    discard(data, dataLength);
  }
}

/** Whether an address lies in the code of a region. */
export function isRegionCode(address: bigint): boolean {
  return regions.has(address / BigInt(regionAlignment));
}

/**
 * Maps code that is not a table of slots, for good, with reserved memory behind it.
 * @param make the code, when it is known how many bytes it will have, traps behind it included; called again when it
 *   does not fit into the whole pages that `expected` bytes take
 */
export function mapCode(
  make: (codeLength: number) => Code,
  {
    method,
    dataLength,
    expected = 1,
  }: { method: CodePageMethodName | undefined; dataLength: number; expected?: number },
): { address: bigint; codeLength: number } {
  return byMethod(method, (chosen) => {
    let codeLength = chosen.codeLength ?? wholePages(expected);
    let { key, bytes } = make(codeLength);
    if (bytes.length > codeLength && chosen.codeLength === undefined) {
      codeLength = wholePages(bytes.length);
      ({ key, bytes } = make(codeLength));
    }
    const prepared = chosen.prepare({ key, bytes: thisMachine().padCode(bytes, codeLength) });
    try {
      return { address: mapSealed(prepared, { codeLength, dataLength, alignment: pageSize() }), codeLength };
    } finally {
      prepared.close();
    }
  });
}

function wholePages(bytes: number): number {
  return Math.ceil(bytes / pageSize()) * pageSize();
}

function kindOf(shape: Shape, method: CodePageMethod, codeLength: number): RegionKind {
  const key = `${method.name} ${codeLength} ${shapeKey(shape)}`;
  let kind = kinds.get(key);
  if (kind === undefined) {
    const image = thisMachine().codeImage(shape, codeLength);
    kind = { method, image, prepared: undefined, used: 0, idle: [] };
    kinds.set(key, kind);
  }
  return kind;
}

function makeRegion(kind: RegionKind): Region {
  const { image, method } = kind;
  const key = shapeKey(image.shape);
  const prepared = kind.prepared ?? method.prepare({ key, bytes: image.bytes, shape: image.shape });
  try {
    const codeLength = image.bytes.length;
    const dataLength = wholePages(image.count * dataLayout(image.shape).stride);
    const code = mapSealed(prepared, { codeLength, dataLength, alignment: regionAlignment });
    regions.add(code / BigInt(regionAlignment));
    if (image.frame !== undefined) registerFrames(ehFrame(image.frame, code));
    kind.prepared = prepared;
    return { kind, image, code, data: code + BigInt(codeLength), dataLength };
  } catch (error) {
    if (kind.prepared === undefined) prepared.close();
    throw error;
  }
}

/** Reserves memory and maps code into its front, for good. */
function mapSealed(
  prepared: PreparedCode,
  { codeLength, dataLength, alignment }: { codeLength: number; dataLength: number; alignment: number },
): bigint {
  const length = codeLength + dataLength;
  const code = reserve({ length, alignment }, 'reserve memory for trampolines');
  try {
    prepared.mapAt(code);
  } catch (error) {
    munmap(code, length);
    throw error;
  }
  mseal(code, codeLength);
  return code;
}
