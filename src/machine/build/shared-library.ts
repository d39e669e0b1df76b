/** Writes shared libraries of one function and one data object. */
import { alignUp } from '../../core/bits.js';
import { ByteWriter } from '../byte-writer.js';
import {
  appendSections,
  encodeSymbol,
  fileHeaderSize,
  PF_R,
  PF_W,
  PF_X,
  PT_GNU_STACK,
  PT_LOAD,
  programHeaderSize,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHT_STRTAB,
  STT_FUNC,
  StringTable,
  segmentAlignment,
  symbolSize,
} from '../elf-file.js';

const PT_DYNAMIC = 2;
const SHT_PROGBITS = 1;
const SHT_HASH = 5;
const SHT_DYNAMIC = 6;
const SHT_DYNSYM = 11;
const SHF_WRITE = 1;
const DT_HASH = 4;
const DT_STRTAB = 5;
const DT_SYMTAB = 6;
const DT_STRSZ = 10;
const DT_SYMENT = 11;
const STT_OBJECT = 1;
const ET_DYN = 3;

/** Contents of a shared library: one symbol each for its code and its data. */
export interface SharedLibrary {
  /** `e_machine`. */
  readonly machine: number;
  readonly code: { readonly name: string; readonly bytes: Uint8Array };
  readonly data: { readonly name: string; readonly bytes: Uint8Array };
}

/** File offsets of code and data. `dataOffset` is valid if headers, code and symbols fit into the first segment. */
export const sharedLibraryLayout = {
  codeOffset: fileHeaderSize + 4 * programHeaderSize,
  dataOffset: segmentAlignment,
} as const;

/** Returns a shared library for `dlopen`: an executable segment with code and symbols, and a writable one with data. */
export function sharedLibrary({ machine, code, data }: SharedLibrary): Uint8Array {
  const strings = new StringTable();
  const names = [strings.add(code.name), strings.add(data.name)] as const;
  const codeOffset = sharedLibraryLayout.codeOffset;
  const symbolsOffset = alignUp(codeOffset + code.bytes.length, 16);
  const stringsOffset = symbolsOffset + 3 * symbolSize;
  // A hash table with one bucket that chains all symbols.
  const hash = new ByteWriter().u32(1, 3, 1, 0, 2, 0).toBytes();
  const hashOffset = alignUp(stringsOffset + strings.content.length, 8);
  const end = hashOffset + hash.length;
  const dataOffset = alignUp(end, segmentAlignment);
  const dynamicOffset = dataOffset + alignUp(data.bytes.length, 16);
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
  // The loader needs no sections; debuggers find symbols by them.
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
