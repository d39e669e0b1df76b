/** Parts of ELF files: headers, symbols and sections. Layouts: gABI version 4.1, chapters 4 and 5. */
import { alignUp } from '../core/bits.js';
import { ByteWriter } from './byte-writer.js';

export const PT_LOAD = 1;
export const PT_GNU_STACK = 0x6474e551;
export const PF_X = 1;
export const PF_W = 2;
export const PF_R = 4;

export const SHT_STRTAB = 3;
export const SHF_ALLOC = 2;
export const SHF_EXECINSTR = 4;

const STB_GLOBAL = 1;
export const STT_FUNC = 2;

export const fileHeaderSize = 64;
export const programHeaderSize = 56;
const sectionHeaderSize = 64;
export const symbolSize = 24;

/** A string table. `add` returns the offset of a string. */
export class StringTable {
  readonly content = new ByteWriter().u8(0);

  add(text: string): number {
    const offset = this.content.length;
    this.content.bytes(new TextEncoder().encode(text)).u8(0);
    return offset;
  }
}

interface FileHeaderFields {
  readonly type: number;
  readonly machine: number;
  readonly programHeaderCount?: number;
  readonly entryAddress?: number;
  readonly sections?: { readonly offset: number; readonly count: number; readonly namesIndex: number };
}

export function fileHeader({
  type,
  machine,
  programHeaderCount = 0,
  entryAddress = 0,
  sections,
}: FileHeaderFields): ByteWriter {
  return new ByteWriter()
    .u8(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1) // ELF, 64 bits, little-endian, version 1
    .padTo(16)
    .u16(type, machine)
    .u32(1)
    .u64(entryAddress, programHeaderCount === 0 ? 0 : fileHeaderSize, sections?.offset ?? 0)
    .u32(0)
    .u16(fileHeaderSize, programHeaderSize, programHeaderCount)
    .u16(sectionHeaderSize, sections?.count ?? 0, sections?.namesIndex ?? 0);
}

interface SymbolEntry {
  readonly name: number;
  readonly type: number;
  readonly section: number;
  readonly value: number;
  readonly size: number;
}

export function encodeSymbol({ name, type, section, value, size }: SymbolEntry): Uint8Array {
  return new ByteWriter()
    .u32(name)
    .u8((STB_GLOBAL << 4) | type, 0)
    .u16(section)
    .u64(value, size)
    .toBytes();
}

interface SectionHeader {
  readonly name: string;
  readonly type: number;
  readonly flags?: number;
  readonly address?: bigint | number;
  readonly offset: number;
  readonly size: number;
  /** Index of the section that this one refers to. */
  readonly link?: number;
  readonly info?: number;
  readonly entrySize?: number;
}

/** Appends the section headers to `contents`, which begins with space for the file header, and returns the file. */
export function appendSections(
  header: FileHeaderFields,
  contents: ByteWriter,
  sections: readonly SectionHeader[],
): Uint8Array {
  const names = new StringTable();
  const headers = new ByteWriter().bytes(new Uint8Array(sectionHeaderSize));
  const namesOffset = contents.length;
  const writeHeader = ({
    name,
    type,
    flags = 0,
    address = 0,
    offset,
    size,
    link = 0,
    info = 0,
    entrySize = 0,
  }: SectionHeader) =>
    headers.u32(names.add(name), type).u64(flags, address, offset, size).u32(link, info).u64(8, entrySize);
  for (const section of sections) writeHeader(section);
  const namesSize = names.content.length + '.shstrtab\0'.length;
  writeHeader({ name: '.shstrtab', type: SHT_STRTAB, offset: namesOffset, size: namesSize });
  const headersOffset = alignUp(namesOffset + namesSize, 8);
  contents.bytes(names.content.toBytes()).padTo(headersOffset).bytes(headers.toBytes());

  const bytes = contents.toBytes();
  bytes.set(
    fileHeader({
      ...header,
      sections: { offset: headersOffset, count: sections.length + 2, namesIndex: sections.length + 1 },
    }).toBytes(),
  );
  return bytes;
}

/** Largest page size of any architecture: segments with different access must not share a page. */
export const segmentAlignment = 2 ** 16;
