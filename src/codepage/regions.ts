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
import type { CodeImage } from '../machine/index.js';
import { dataLayout, type Shape, shapeKey } from '../trampoline/shape.js';
import { memfd } from './memfd.js';
import type { CodePageMethod, CodePageMethodName, PreparedCode } from './method.js';

/** Regions begin at multiples of this, and no code is longer: the number above it names the region. */
export const regionAlignment = 2 ** 20;

export interface Region {
  readonly method: CodePageMethodName;
  readonly image: CodeImage;
  /** The first code slot. */
  readonly code: bigint;
  /** The first data slot: right behind the code. */
  readonly data: bigint;
  /** Bytes reserved for data: whole pages. */
  readonly dataLength: number;
}

interface Kind {
  readonly image: CodeImage;
  readonly prepared: PreparedCode;
  readonly idle: Region[];
}

const methods: Readonly<Record<CodePageMethodName, CodePageMethod>> = { memfd };
export const methodNames = Object.keys(methods) as CodePageMethodName[];

const kinds = new Map<string, Kind>();
const regions = new Set<bigint>();

/** A region with `codeLength` bytes of code for a shape. Its data is not mapped yet. */
export function acquireRegion(
  shape: Shape,
  { codeLength, method }: { codeLength: number; method: CodePageMethodName },
): Region {
  const kind = kindOf(shape, { codeLength, method });
  return kind.idle.pop() ?? makeRegion(kind, method);
}

/** Whether an address lies in the code of a region. */
export function isRegionCode(address: bigint): boolean {
  return regions.has(address / BigInt(regionAlignment));
}

/** Gives a region back. Its data is dropped. */
export function releaseRegion(region: Region): void {
  const { image, method, data, dataLength } = region;
  kindOf(image.shape, { codeLength: image.bytes.length, method }).idle.push(region);
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

/** Maps code that is not a table of slots, for good. Returns its address. */
export function mapCode(
  code: Uint8Array,
  { method, label }: { method: CodePageMethodName; label: string },
): bigint {
  const bytes = new Uint8Array(Math.ceil(code.length / pageSize()) * pageSize());
  bytes.set(code);
  const prepared = methods[method].prepare(bytes, label);
  const address = reserve({ length: bytes.length, alignment: pageSize() }, 'reserve memory for code');
  prepared.mapAt(address);
  mseal(address, bytes.length);
  return address;
}

function kindOf(
  shape: Shape,
  { codeLength, method }: { codeLength: number; method: CodePageMethodName },
): Kind {
  const key = `${method} ${codeLength} ${shapeKey(shape)}`;
  let kind = kinds.get(key);
  if (kind === undefined) {
    const image = thisMachine().codeImage(shape, codeLength);
    kind = { image, prepared: methods[method].prepare(image.bytes, 'trampfd'), idle: [] };
    kinds.set(key, kind);
  }
  return kind;
}

function makeRegion({ image, prepared }: Kind, method: CodePageMethodName): Region {
  const codeLength = image.bytes.length;
  const bytes = image.count * dataLayout(image.shape).stride;
  const dataLength = Math.ceil(bytes / pageSize()) * pageSize();
  const length = codeLength + dataLength;
  const code = reserve({ length, alignment: regionAlignment }, 'reserve memory for trampolines');
  try {
    prepared.mapAt(code);
  } catch (error) {
    munmap(code, length);
    throw error;
  }
  mseal(code, codeLength);
  regions.add(code / BigInt(regionAlignment));
  return { method, image, code, data: code + BigInt(codeLength), dataLength };
}
