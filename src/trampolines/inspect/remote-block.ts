/** A block of trampolines in another process, with a copy of its data. */
import { readMemory } from '../../linux/process/proc-mem.js';
import { disassembleCode } from '../debug/disassembly.js';
import type { BlockLine } from '../debug/registry-schema.js';

export class RemoteBlock {
  readonly line: BlockLine;
  readonly code: bigint;
  readonly #data: DataView;
  readonly #bytes: Uint8Array;
  readonly #pid: number;

  /** @throws TrampfdError `EIO` if the process does not have the memory (any more) */
  constructor(pid: number, line: BlockLine) {
    this.line = line;
    this.code = BigInt(line.code);
    this.#pid = pid;
    const length = line.count * line.dataStride;
    const bytes = new Uint8Array(length);
    for (let offset = 0; offset < length; ) {
      const chunk = readMemory(BigInt(line.data) + BigInt(offset), length - offset, pid);
      if (chunk.length === 0) break;
      bytes.set(chunk, offset);
      offset += chunk.length;
    }
    this.#bytes = bytes;
    this.#data = new DataView(bytes.buffer);
  }

  /** Iterates over the slots that do not jump to their own trap. */
  *liveSlots(): Generator<{ address: bigint; pc: bigint }> {
    const { count, stride, dataStride, trapAt } = this.line;
    for (let slot = 0; slot < count; slot++) {
      const address = this.code + BigInt(slot * stride);
      const pc = this.#data.getBigUint64(slot * dataStride, true);
      if (pc !== 0n && (trapAt === null || pc !== address + BigInt(trapAt))) yield { address, pc };
    }
  }

  containsAddress(address: bigint): boolean {
    return this.code <= address && address < this.code + BigInt(this.line.codeLength);
  }

  disassemble(address: bigint): string {
    const bytes = readMemory(address, this.line.stride, this.#pid);
    const start = BigInt(this.line.data);
    const readWord = (wordAddress: bigint) =>
      this.#bytes.subarray(Number(wordAddress - start), Number(wordAddress - start) + 8);
    return disassembleCode(bytes, address, readWord).text;
  }
}
