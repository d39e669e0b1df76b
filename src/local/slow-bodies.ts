/**
 * Bodies of slow trampolines: descriptors, which the fault handler reads. They lie in memory that the program can
 * only read. A descriptor is made before a selector leads to it, and never changes while one does.
 */

import { thisMachine } from '../linux/host.js';
import { mapReadOnlyAt } from '../linux/memfd.js';
import { memoryAt, reserve } from '../linux/memory.js';
import { descriptor, stackWord } from '../machine/fault-control.js';
import { dataLayout, type Shape } from '../trampoline/shape.js';
import type { Bodies, Checks } from './bodies.js';
import { faultRoutine } from './fault-engine.js';
import { Retired } from './retired.js';

/** Descriptors lie in chunks of this length, at multiples of it. */
const chunkLength = 2 ** 20;

interface Chunk {
  readonly address: bigint;
  readonly view: DataView;
  readonly bytes: Uint8Array;
}

/** All chunks of this thread; tables share them. */
const chunks: Chunk[] = [];
const byAddress = new Map<bigint, number>();
let filled = chunkLength;
/** Places of descriptors that are free again, by their length. A place is 8 bytes; its number tells chunk and offset. */
const free = new Map<number, number[]>();
const placesPerChunk = chunkLength / 8;
/** Shared as well: what a freed table leaves behind has to wait like everything else. */
const retired = new Retired(release);

export class SlowBodies implements Bodies {
  readonly #shape: Shape;
  readonly #mask: number;
  readonly #routine = faultRoutine('user');
  #live = 0;

  constructor(shape: Shape) {
    this.#shape = shape;
    this.#mask = shape.registers.reduce(
      (mask, number) => mask | (1 << (number - thisMachine().firstRegister)),
      0,
    );
  }

  get bytes(): number {
    return this.#live;
  }

  ensure(): void {}

  dropUntouched(): void {}

  make(data: Uint32Array, { allowedPcs = [], allowedCallers = [] }: Checks): bigint {
    const { stack } = this.#shape;
    const dataAt = descriptor.data + (stack === undefined ? 0 : stackWord.length);
    const { stride } = dataLayout(this.#shape);
    const lists = dataAt + stride;
    const length = lists + 8 * (allowedPcs.length + allowedCallers.length);
    const place = allocate(length);
    const { view, bytes } = chunks[Math.floor(place / placesPerChunk)]!;
    const at = 8 * (place % placesPerChunk);
    view.setBigUint64(at + descriptor.type, this.#routine, true);
    view.setUint32(at + descriptor.mask, this.#mask, true);
    view.setUint8(at + descriptor.allowedBytes, 8 * allowedPcs.length);
    view.setUint8(at + descriptor.callerBytes, 8 * allowedCallers.length);
    view.setUint16(at + descriptor.lists, lists | (stack === undefined ? 0 : 1), true);
    if (stack !== undefined) {
      view.setUint16(at + descriptor.data + stackWord.size, stack.size, true);
      view.setUint16(at + descriptor.data + stackWord.offset, stack.offset, true);
      view.setUint32(at + descriptor.data + stackWord.setSp, stack.setSp ? 1 : 0, true);
    }
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, stride), at + dataAt);
    for (const [index, value] of [...allowedPcs, ...allowedCallers].entries()) {
      view.setBigUint64(at + lists + 8 * index, value, true);
    }
    this.#live += length;
    return addressAt(place);
  }

  read(address: bigint): BigUint64Array<ArrayBuffer> {
    const place = placeOf(address);
    const { bytes } = chunks[Math.floor(place / placesPerChunk)]!;
    const at =
      8 * (place % placesPerChunk) +
      descriptor.data +
      (this.#shape.stack === undefined ? 0 : stackWord.length);
    return new BigUint64Array(bytes.slice(at, at + dataLayout(this.#shape).stride).buffer);
  }

  retire(address: bigint): void {
    const place = placeOf(address);
    this.#live -= lengthAt(place);
    retired.add(place);
  }

  freeze(): void {}

  close(addresses: Iterable<bigint>): void {
    for (const address of addresses) this.retire(address);
  }
}

function allocate(length: number): number {
  const again = free.get(length)?.pop();
  if (again !== undefined) return again;
  if (filled + length > chunkLength) {
    const attempt = 'make descriptors of slow trampolines';
    const address = reserve({ length: chunkLength, alignment: chunkLength }, attempt);
    const memory = memoryAt(mapReadOnlyAt(address, chunkLength, attempt), chunkLength);
    byAddress.set(address / BigInt(chunkLength), chunks.length);
    chunks.push({ address, view: new DataView(memory), bytes: new Uint8Array(memory) });
    filled = 0;
  }
  const place = (chunks.length - 1) * placesPerChunk + filled / 8;
  filled += length;
  return place;
}

function release(place: number): void {
  const length = lengthAt(place);
  const list = free.get(length);
  if (list === undefined) free.set(length, [place]);
  else list.push(place);
}

/** The length of a descriptor, from its own words. */
function lengthAt(place: number): number {
  const { view } = chunks[Math.floor(place / placesPerChunk)]!;
  const at = 8 * (place % placesPerChunk);
  const lists = view.getUint16(at + descriptor.lists, true) & ~1;
  return lists + view.getUint8(at + descriptor.allowedBytes) + view.getUint8(at + descriptor.callerBytes);
}

function addressAt(place: number): bigint {
  return chunks[Math.floor(place / placesPerChunk)]!.address + BigInt(8 * (place % placesPerChunk));
}

function placeOf(address: bigint): number {
  const chunk = byAddress.get(address / BigInt(chunkLength))!;
  return chunk * placesPerChunk + Number(address % BigInt(chunkLength)) / 8;
}
