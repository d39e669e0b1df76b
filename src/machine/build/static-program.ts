/** Writes programs without libraries. */
import { ByteWriter } from '../byte-writer.js';
import {
  fileHeader,
  fileHeaderSize,
  PF_R,
  PF_W,
  PF_X,
  PT_GNU_STACK,
  PT_LOAD,
  programHeaderSize,
  segmentAlignment,
} from '../elf-file.js';

const ET_EXEC = 2;

/** File offset of the code, and offset of the buffer from the start of the code. */
export const staticProgramLayout = {
  codeOffset: fileHeaderSize + 3 * programHeaderSize,
  bufferOffset: segmentAlignment - (fileHeaderSize + 3 * programHeaderSize),
} as const;

/** Returns a static program whose entry point is the first byte of `code`, with a zeroed buffer. */
export function staticProgram(
  machine: number,
  { code, bufferLength }: { code: Uint8Array; bufferLength: number },
): Uint8Array {
  const base = 0x400000;
  const end = staticProgramLayout.codeOffset + code.length;
  if (end > segmentAlignment) throw new RangeError(`program too large: ${end} bytes`);
  const segment = (type: number, flags: number, offset: number, fileSize: number, memorySize: number) =>
    new ByteWriter()
      .u32(type, flags)
      .u64(offset, base + offset, base + offset, fileSize, memorySize, segmentAlignment)
      .toBytes();
  return fileHeader({
    type: ET_EXEC,
    machine,
    programHeaderCount: 3,
    entryAddress: base + staticProgramLayout.codeOffset,
  })
    .bytes(segment(PT_LOAD, PF_R | PF_X, 0, end, end))
    .bytes(segment(PT_LOAD, PF_R | PF_W, segmentAlignment, 0, bufferLength))
    .bytes(segment(PT_GNU_STACK, PF_R | PF_W, 0, 0, 0))
    .bytes(code)
    .toBytes();
}
