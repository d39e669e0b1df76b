/**
 * Writes the ELF files that we need: a shared library of a few functions and some data, and a file of one
 * symbol for debuggers. Layouts: gABI version 4.1, chapters 4 and 5.
 */
import { Bytes } from './bytes.js';

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
class Strings {
  readonly bytes = new Bytes().u8(0);

  add(text: string): number {
    const at = this.bytes.length;
    this.bytes.raw(new TextEncoder().encode(text)).u8(0);
    return at;
  }
}

interface FileHeader {
  readonly type: number;
  readonly machine: number;
  readonly programHeaders?: number;
  /** Where execution begins. */
  readonly entry?: number;
  readonly sections?: { readonly at: number; readonly count: number; readonly names: number };
}

function fileHeader({ type, machine, programHeaders = 0, entry = 0, sections }: FileHeader): Bytes {
  return new Bytes()
    .u8(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1) // ELF, 64 bits, little-endian, version 1
    .padTo(16)
    .u16(type, machine)
    .u32(1)

    .u64(entry, programHeaders === 0 ? 0 : fileHeaderSize, sections?.at ?? 0)
    .u32(0)
    .u16(fileHeaderSize, programHeaderSize, programHeaders)
    .u16(sectionHeaderSize, sections?.count ?? 0, sections?.names ?? 0);
}

interface Symbol {
  readonly name: number;
  readonly type: number;
  readonly section: number;
  readonly value: number;
  readonly size: number;
}

function symbol({ name, type, section, value, size }: Symbol): Uint8Array {
  return new Bytes()
    .u32(name)
    .u8((STB_GLOBAL << 4) | type, 0)
    .u16(section)
    .u64(value, size)
    .finish();
}

interface Section {
  readonly name: string;
  readonly type: number;
  readonly flags?: number;
  readonly address?: bigint | number;
  readonly at: number;
  readonly size: number;
  /** The number of the section that this one refers to. */
  readonly link?: number;
  readonly info?: number;
  readonly entrySize?: number;
}

/** A file of these contents, which leave room for the header at their start, with sections described behind them. */
function withSections(header: FileHeader, contents: Bytes, sections: readonly Section[]): Uint8Array {
  const names = new Strings();
  const headers = new Bytes().raw(new Uint8Array(sectionHeaderSize));
  const namesAt = contents.length;
  const write = ({
    name,
    type,
    flags = 0,
    address = 0,
    at,
    size,
    link = 0,
    info = 0,
    entrySize = 0,
  }: Section) =>
    headers.u32(names.add(name), type).u64(flags, address, at, size).u32(link, info).u64(8, entrySize);
  for (const section of sections) write(section);
  const own = names.bytes.length + '.shstrtab\0'.length;
  write({ name: '.shstrtab', type: SHT_STRTAB, at: namesAt, size: own });
  const at = Math.ceil((namesAt + own) / 8) * 8;
  contents.raw(names.bytes.finish()).padTo(at).raw(headers.finish());

  const bytes = contents.finish();
  bytes.set(
    fileHeader({
      ...header,
      sections: { at, count: sections.length + 2, names: sections.length + 1 },
    }).finish(),
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
  code: fileHeaderSize + 4 * programHeaderSize,
  data: segmentAlignment,
} as const;

/** A shared library for `dlopen`: a read-only segment with code and symbols, a writable one with data. */
export function sharedLibrary({ machine, code, data }: SharedLibrary): Uint8Array {
  const strings = new Strings();
  const names = [strings.add(code.name), strings.add(data.name)] as const;
  const codeAt = sharedLibraryLayout.code;
  const symbolsAt = Math.ceil((codeAt + code.bytes.length) / 16) * 16;
  const stringsAt = symbolsAt + 3 * symbolSize;
  // A hash table of one bucket, whose chain is all symbols.
  const hash = new Bytes().u32(1, 3, 1, 0, 2, 0).finish();
  const hashAt = Math.ceil((stringsAt + strings.bytes.length) / 8) * 8;
  const end = hashAt + hash.length;
  const dataAt = Math.ceil(end / segmentAlignment) * segmentAlignment;
  const dynamicAt = dataAt + Math.ceil(data.bytes.length / 16) * 16;
  const dynamic = new Bytes()
    .u64(DT_HASH, hashAt, DT_STRTAB, stringsAt, DT_SYMTAB, symbolsAt)
    .u64(DT_STRSZ, strings.bytes.length, DT_SYMENT, symbolSize, 0, 0)
    .finish();
  const writable = dynamicAt + dynamic.length - dataAt;

  const segment = (type: number, flags: number, at: number, size: number, alignment: number) =>
    new Bytes().u32(type, flags).u64(at, at, at, size, size, alignment).finish();
  const contents = new Bytes()
    .padTo(fileHeaderSize)
    .raw(segment(PT_LOAD, PF_R | PF_X, 0, end, segmentAlignment))
    .raw(segment(PT_LOAD, PF_R | PF_W, dataAt, writable, segmentAlignment))
    .raw(segment(PT_DYNAMIC, PF_R | PF_W, dynamicAt, dynamic.length, 8))
    .raw(segment(PT_GNU_STACK, PF_R | PF_W, 0, 0, 16))
    .raw(code.bytes)
    .padTo(symbolsAt)
    .raw(new Uint8Array(symbolSize))
    .raw(symbol({ name: names[0], type: STT_FUNC, section: 1, value: codeAt, size: code.bytes.length }))
    .raw(symbol({ name: names[1], type: STT_OBJECT, section: 2, value: dataAt, size: data.bytes.length }))
    .raw(strings.bytes.finish())
    .padTo(hashAt)
    .raw(hash)
    .padTo(dataAt)
    .raw(data.bytes)
    .padTo(dynamicAt)
    .raw(dynamic);
  const loaded = (name: string, type: number, flags: number, at: number, size: number) => ({
    name,
    type,
    flags: SHF_ALLOC | flags,
    address: at,
    at,
    size,
  });
  // The loader needs no sections, but debuggers find symbols by them.
  return withSections({ type: ET_DYN, machine, programHeaders: 4 }, contents, [
    loaded('.text', SHT_PROGBITS, SHF_EXECINSTR, codeAt, code.bytes.length),
    loaded('.data', SHT_PROGBITS, SHF_WRITE, dataAt, data.bytes.length),
    {
      ...loaded('.dynsym', SHT_DYNSYM, 0, symbolsAt, 3 * symbolSize),
      link: 4,
      info: 1,
      entrySize: symbolSize,
    },
    loaded('.dynstr', SHT_STRTAB, 0, stringsAt, strings.bytes.length),
    { ...loaded('.hash', SHT_HASH, 0, hashAt, hash.length), link: 3, entrySize: 4 },
    { ...loaded('.dynamic', SHT_DYNAMIC, SHF_WRITE, dynamicAt, dynamic.length), link: 4, entrySize: 16 },
  ]);
}

/** Where a static program's code begins, in bytes from the start of its file, and its buffer, from there. */
export const staticProgramLayout = {
  code: fileHeaderSize + 3 * programHeaderSize,
  buffer: segmentAlignment - (fileHeaderSize + 3 * programHeaderSize),
} as const;

/** A program without libraries: code that begins at its first byte, and a buffer of zeros. */
export function staticProgram(
  machine: number,
  { code, bufferLength }: { code: Uint8Array; bufferLength: number },
): Uint8Array {
  const base = 0x400000;
  const end = staticProgramLayout.code + code.length;
  if (end > segmentAlignment) throw new RangeError(`the program is ${end} bytes long`);
  const segment = (type: number, flags: number, at: number, inFile: number, inMemory: number) =>
    new Bytes()
      .u32(type, flags)
      .u64(at, base + at, base + at, inFile, inMemory, segmentAlignment)
      .finish();
  return fileHeader({ type: ET_EXEC, machine, programHeaders: 3, entry: base + staticProgramLayout.code })
    .raw(segment(PT_LOAD, PF_R | PF_X, 0, end, end))
    .raw(segment(PT_LOAD, PF_R | PF_W, segmentAlignment, 0, bufferLength))
    .raw(segment(PT_GNU_STACK, PF_R | PF_W, 0, 0, 0))
    .raw(code)
    .finish();
}

/** An object file that says: this function stands at that address. The code itself is not in it. */
export function symbolFile(
  machine: number,
  named: { address: bigint; size: number; name: string },
): Uint8Array {
  const strings = new Strings();
  const name = strings.add(named.name);
  const symbolsAt = fileHeaderSize;
  const stringsAt = symbolsAt + 2 * symbolSize;
  const contents = new Bytes()
    .padTo(symbolsAt)
    .raw(new Uint8Array(symbolSize))
    .raw(symbol({ name, type: STT_FUNC, section: 1, value: 0, size: named.size }))
    .raw(strings.bytes.finish());
  return withSections({ type: ET_REL, machine }, contents, [
    {
      name: '.text',
      type: SHT_NOBITS,
      flags: SHF_ALLOC | SHF_EXECINSTR,
      address: named.address,
      at: fileHeaderSize,
      size: named.size,
    },
    {
      name: '.symtab',
      type: SHT_SYMTAB,
      at: symbolsAt,
      size: 2 * symbolSize,
      link: 3,
      info: 1,
      entrySize: symbolSize,
    },
    { name: '.strtab', type: SHT_STRTAB, at: stringsAt, size: strings.bytes.length },
  ]);
}
