/**
 * Bodies of slow trampolines: fault records, which the fault handler reads. They are in memory that the program can
 * only read. A record is complete before a selector points to it, and never changes while one does.
 */
import { dataLayout, type Shape } from '../../core/shape.js';
import { reserveAddressSpace } from '../../linux/mm/memory.js';
import { mapWithWritableAlias } from '../../linux/mm/writable-alias.js';
import { faultRecord, hasStackData, stackHeader } from '../../machine/fault-control.js';
import { hostMachine } from '../../native/host.js';
import { memoryAt } from '../../native/memory-view.js';
import type { Bodies, InvocationChecks } from './bodies.js';
import { Quarantine } from './quarantine.js';
import { faultRoutineAddress } from './sigsegv-handler.js';

/** Records are allocated from chunks of this length and alignment, in bytes. */
const chunkLength = 2 ** 20;

interface Chunk {
  readonly address: bigint;
  readonly view: DataView;
  readonly bytes: Uint8Array;
}

/** The chunks of this thread, shared by all tables. */
const chunks: Chunk[] = [];
const chunkIndexByAddress = new Map<bigint, number>();
let lastChunkUsed = chunkLength;
/** Ids of free records, by length in bytes. An id is the index of an 8-byte unit, counted through all chunks. */
const freeIdsByLength = new Map<number, number[]>();
const idsPerChunk = chunkLength / 8;
/** Also shared: the records of a closed table must be quarantined as well. */
const quarantine = new Quarantine(releaseRecord);

export class SlowBodies implements Bodies {
  readonly #shape: Shape;
  readonly #registerMask: number;
  readonly #routineAddress = faultRoutineAddress('user');
  #liveBytes = 0;

  constructor(shape: Shape) {
    this.#shape = shape;
    this.#registerMask = shape.registers.reduce(
      (mask, number) => mask | (1 << (number - hostMachine().trampolines.maskBase)),
      0,
    );
  }

  get byteLength(): number {
    return this.#liveBytes;
  }

  create(data: BigUint64Array, { allowedPcs = [], allowedCallers = [] }: InvocationChecks): bigint {
    const { stack } = this.#shape;
    const dataOffset = faultRecord.data + (stack === undefined ? 0 : stackHeader.length);
    const { stride } = dataLayout(this.#shape);
    const listsOffset = dataOffset + stride;
    const length = listsOffset + 8 * (allowedPcs.length + allowedCallers.length);
    const recordId = allocateRecord(length);
    const { view, bytes } = chunks[Math.floor(recordId / idsPerChunk)]!;
    const recordOffset = 8 * (recordId % idsPerChunk);
    view.setBigUint64(recordOffset + faultRecord.routine, this.#routineAddress, true);
    view.setUint32(recordOffset + faultRecord.registerMask, this.#registerMask, true);
    view.setUint8(recordOffset + faultRecord.allowedPcBytes, 8 * allowedPcs.length);
    view.setUint8(recordOffset + faultRecord.allowedCallerBytes, 8 * allowedCallers.length);
    view.setUint16(
      recordOffset + faultRecord.listsOffset,
      listsOffset | (stack === undefined ? 0 : hasStackData),
      true,
    );
    if (stack !== undefined) {
      view.setUint16(recordOffset + faultRecord.data + stackHeader.size, stack.size, true);
      view.setUint16(recordOffset + faultRecord.data + stackHeader.offset, stack.offset, true);
      view.setUint32(recordOffset + faultRecord.data + stackHeader.setSp, stack.setSp ? 1 : 0, true);
    }
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, stride), recordOffset + dataOffset);
    for (const [index, value] of [...allowedPcs, ...allowedCallers].entries()) {
      view.setBigUint64(recordOffset + listsOffset + 8 * index, value, true);
    }
    this.#liveBytes += length;
    return recordAddress(recordId);
  }

  read(address: bigint): BigUint64Array<ArrayBuffer> {
    const recordId = recordIdOf(address);
    const { bytes } = chunks[Math.floor(recordId / idsPerChunk)]!;
    const dataOffset =
      8 * (recordId % idsPerChunk) +
      faultRecord.data +
      (this.#shape.stack === undefined ? 0 : stackHeader.length);
    return new BigUint64Array(bytes.slice(dataOffset, dataOffset + dataLayout(this.#shape).stride).buffer);
  }

  retire(address: bigint): void {
    const recordId = recordIdOf(address);
    this.#liveBytes -= recordLength(recordId);
    quarantine.add(recordId);
  }

  close(addresses: Iterable<bigint>): void {
    for (const address of addresses) this.retire(address);
  }
}

function allocateRecord(length: number): number {
  const reused = freeIdsByLength.get(length)?.pop();
  if (reused !== undefined) return reused;
  if (lastChunkUsed + length > chunkLength) {
    const attempt = 'allocate fault records';
    const address = reserveAddressSpace({ length: chunkLength, alignment: chunkLength }, attempt);
    const memory = memoryAt(mapWithWritableAlias(address, chunkLength, attempt), chunkLength);
    chunkIndexByAddress.set(address / BigInt(chunkLength), chunks.length);
    chunks.push({ address, view: new DataView(memory), bytes: new Uint8Array(memory) });
    lastChunkUsed = 0;
  }
  const recordId = (chunks.length - 1) * idsPerChunk + lastChunkUsed / 8;
  lastChunkUsed += length;
  return recordId;
}

function releaseRecord(recordId: number): void {
  const length = recordLength(recordId);
  const freeIds = freeIdsByLength.get(length);
  if (freeIds === undefined) freeIdsByLength.set(length, [recordId]);
  else freeIds.push(recordId);
}

/** Returns the length of a record in bytes, computed from its header. */
function recordLength(recordId: number): number {
  const { view } = chunks[Math.floor(recordId / idsPerChunk)]!;
  const recordOffset = 8 * (recordId % idsPerChunk);
  const listsOffset = view.getUint16(recordOffset + faultRecord.listsOffset, true) & ~hasStackData;
  return (
    listsOffset +
    view.getUint8(recordOffset + faultRecord.allowedPcBytes) +
    view.getUint8(recordOffset + faultRecord.allowedCallerBytes)
  );
}

function recordAddress(recordId: number): bigint {
  return chunks[Math.floor(recordId / idsPerChunk)]!.address + BigInt(8 * (recordId % idsPerChunk));
}

function recordIdOf(address: bigint): number {
  const chunkIndex = chunkIndexByAddress.get(address / BigInt(chunkLength))!;
  return chunkIndex * idsPerChunk + Number(address % BigInt(chunkLength)) / 8;
}
