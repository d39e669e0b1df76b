/** `struct trampfd_map`: the arguments to map an object with, and the addresses of its instances. */
import { structs } from './layout.js';

export interface ObjectMap {
  /** Bytes to map. */
  readonly size: number;
  readonly prot: number;
  readonly flags: number;
  /** Start of the mapping in the file, in pages from `abi.offsetBase`. */
  readonly offsetPage: number;
  /** Byte offset of the first instance in the mapping. */
  readonly ioffset: number;
  /** Bytes from one instance to the next. */
  readonly stride: number;
}

export function encodeMap({ size, prot, flags, offsetPage, ioffset, stride }: ObjectMap): Uint8Array {
  return new Uint8Array(Uint32Array.of(size, prot, flags, offsetPage, ioffset, stride).buffer);
}

export function decodeMap(bytes: Uint8Array): ObjectMap {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const offsets = structs.trampfd_map;
  return {
    size: view.getUint32(offsets.map_size, true),
    prot: view.getUint32(offsets.prot, true),
    flags: view.getUint32(offsets.flags, true),
    offsetPage: view.getUint32(offsets.offset_page, true),
    ioffset: view.getUint32(offsets.ioffset, true),
    stride: view.getUint32(offsets.stride, true),
  };
}
