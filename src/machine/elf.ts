/**
 * Writes the ELF files that we need: a shared library of a few functions and some data, and a file of one
 * symbol for debuggers. Layouts: gABI version 4.1, chapters 4 and 5.
 */
import { ByteWriter } from './byte-writer.js';

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_GNU_STACK = 0x6474e551;
const PF_X = 1;
const PF_W = 2;
const PF_R = 4;

const SHT_PROGBITS = 1;
const SHT_SYMTAB = 2;
const SHT_STRTAB = 3;
const SHT_HASH = 5;
const SHT_DYNAMIC = 6;
const SHT_NOBITS = 8;
const SHT_DYNSYM = 11;
const SHF_WRITE = 1;
const SHF_ALLOC = 2;
const SHF_EXECINSTR = 4;

const DT_HASH = 4;
const DT_STRTAB = 5;
const DT_SYMTAB = 6;
const DT_STRSZ = 10;
const DT_SYMENT = 11;

const STB_GLOBAL = 1;
const STT_OBJECT = 1;
const STT_FUNC = 2;

const ET_REL = 1;
const ET_EXEC = 2;
const ET_DYN = 3;

const fileHeaderSize = 64;
const programHeaderSize = 56;
const sectionHeaderSize = 64;
const symbolSize = 24;

/** Strings, each with its place in a string table. */
class StringTable {
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
  /** Where execution begins. */
  readonly entryAddress?: number;
  readonly sections?: { readonly offset: number; readonly count: number; readonly namesIndex: number };
}

function fileHeader({
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

function encodeSymbol({ name, type, section, value, size }: SymbolEntry): Uint8Array {
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
  /** The number of the section that this one refers to. */
  readonly link?: number;
  readonly info?: number;
  readonly entrySize?: number;
}

/** A file of these contents, which leave room for the header at their start, with sections described behind them. */
function appendSections(
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
  const headersOffset = Math.ceil((namesOffset + namesSize) / 8) * 8;
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

/** What a shared library holds: one symbol each for its code and its data. */
export interface SharedLibrary {
  /** `e_machine`. */
  readonly machine: number;
  readonly code: { readonly name: string; readonly bytes: Uint8Array };
  readonly data: { readonly name: string; readonly bytes: Uint8Array };
}

/** The largest page of any system: segments with different access must not share one. */
const segmentAlignment = 2 ** 16;

/** Where a shared library's code and data begin, in bytes from the start of its file, if its code is short. */
export const sharedLibraryLayout = {
  codeOffset: fileHeaderSize + 4 * programHeaderSize,
  dataOffset: segmentAlignment,
} as const;

/** A shared library for `dlopen`: a read-only segment with code and symbols, a writable one with data. */
export function sharedLibrary({ machine, code, data }: SharedLibrary): Uint8Array {
  const strings = new StringTable();
  const names = [strings.add(code.name), strings.add(data.name)] as const;
  const codeOffset = sharedLibraryLayout.codeOffset;
  const symbolsOffset = Math.ceil((codeOffset + code.bytes.length) / 16) * 16;
  const stringsOffset = symbolsOffset + 3 * symbolSize;
  // A hash table of one bucket, whose chain is all symbols.
  const hash = new ByteWriter().u32(1, 3, 1, 0, 2, 0).toBytes();
  const hashOffset = Math.ceil((stringsOffset + strings.content.length) / 8) * 8;
  const end = hashOffset + hash.length;
  const dataOffset = Math.ceil(end / segmentAlignment) * segmentAlignment;
  const dynamicOffset = dataOffset + Math.ceil(data.bytes.length / 16) * 16;
  const dynamic = new ByteWriter()
    .u64(DT_HASH, hashOffset, DT_STRTAB, stringsOffset, DT_SYMTAB, symbolsOffset)
    .u64(DT_STRSZ, strings.content.length, DT_SYMENT, symbolSize, 0, 0)
    .toBytes();
  const writableSize = dynamicOffset + dynamic.length - dataOffset;

  const segment = (type: number, flags: number, offset: number, size: number, alignment: number) =>
    new ByteWriter().u32(type, flags).u64(offset, offset, offset, size, size, alignment).toBytes();
  const contents = new ByteWriter()
    .padTo(fileHeaderSize)
    .bytes(segment(PT_LOAD, PF_R | PF_X, 0, end, segmentAlignment))
    .bytes(segment(PT_LOAD, PF_R | PF_W, dataOffset, writableSize, segmentAlignment))
    .bytes(segment(PT_DYNAMIC, PF_R | PF_W, dynamicOffset, dynamic.length, 8))
    .bytes(segment(PT_GNU_STACK, PF_R | PF_W, 0, 0, 16))
    .bytes(code.bytes)
    .padTo(symbolsOffset)
    .bytes(new Uint8Array(symbolSize))
    .bytes(
      encodeSymbol({
        name: names[0],
        type: STT_FUNC,
        section: 1,
        value: codeOffset,
        size: code.bytes.length,
      }),
    )
    .bytes(
      encodeSymbol({
        name: names[1],
        type: STT_OBJECT,
        section: 2,
        value: dataOffset,
        size: data.bytes.length,
      }),
    )
    .bytes(strings.content.toBytes())
    .padTo(hashOffset)
    .bytes(hash)
    .padTo(dataOffset)
    .bytes(data.bytes)
    .padTo(dynamicOffset)
    .bytes(dynamic);
  const allocatedSection = (name: string, type: number, flags: number, offset: number, size: number) => ({
    name,
    type,
    flags: SHF_ALLOC | flags,
    address: offset,
    offset,
    size,
  });
  // The loader needs no sections, but debuggers find symbols by them.
  return appendSections({ type: ET_DYN, machine, programHeaderCount: 4 }, contents, [
    allocatedSection('.text', SHT_PROGBITS, SHF_EXECINSTR, codeOffset, code.bytes.length),
    allocatedSection('.data', SHT_PROGBITS, SHF_WRITE, dataOffset, data.bytes.length),
    {
      ...allocatedSection('.dynsym', SHT_DYNSYM, 0, symbolsOffset, 3 * symbolSize),
      link: 4,
      info: 1,
      entrySize: symbolSize,
    },
    allocatedSection('.dynstr', SHT_STRTAB, 0, stringsOffset, strings.content.length),
    { ...allocatedSection('.hash', SHT_HASH, 0, hashOffset, hash.length), link: 3, entrySize: 4 },
    {
      ...allocatedSection('.dynamic', SHT_DYNAMIC, SHF_WRITE, dynamicOffset, dynamic.length),
      link: 4,
      entrySize: 16,
    },
  ]);
}

/** Where a static program's code begins, in bytes from the start of its file, and its buffer, from there. */
export const staticProgramLayout = {
  codeOffset: fileHeaderSize + 3 * programHeaderSize,
  bufferOffset: segmentAlignment - (fileHeaderSize + 3 * programHeaderSize),
} as const;

/** A program without libraries: code that begins at its first byte, and a buffer of zeros. */
export function staticProgram(
  machine: number,
  { code, bufferLength }: { code: Uint8Array; bufferLength: number },
): Uint8Array {
  const base = 0x400000;
  const end = staticProgramLayout.codeOffset + code.length;
  if (end > segmentAlignment) throw new RangeError(`the program is ${end} bytes long`);
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

/** An object file that says: this function stands at that address. The code itself is not in it. */
export function symbolFile(
  machine: number,
  symbol: { address: bigint; size: number; name: string },
): Uint8Array {
  const strings = new StringTable();
  const name = strings.add(symbol.name);
  const symbolsOffset = fileHeaderSize;
  const stringsOffset = symbolsOffset + 2 * symbolSize;
  const contents = new ByteWriter()
    .padTo(symbolsOffset)
    .bytes(new Uint8Array(symbolSize))
    .bytes(encodeSymbol({ name, type: STT_FUNC, section: 1, value: 0, size: symbol.size }))
    .bytes(strings.content.toBytes());
  return appendSections({ type: ET_REL, machine }, contents, [
    {
      name: '.text',
      type: SHT_NOBITS,
      flags: SHF_ALLOC | SHF_EXECINSTR,
      address: symbol.address,
      offset: fileHeaderSize,
      size: symbol.size,
    },
    {
      name: '.symtab',
      type: SHT_SYMTAB,
      offset: symbolsOffset,
      size: 2 * symbolSize,
      link: 3,
      info: 1,
      entrySize: symbolSize,
    },
    { name: '.strtab', type: SHT_STRTAB, offset: stringsOffset, size: strings.content.length },
  ]);
}
