/** Writes shared libraries: functions, one data object, and imports from libraries that are loaded already. */
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

const PT_NULL = 0;
const PT_DYNAMIC = 2;
const PT_GNU_RELRO = 0x6474e552;
const SHT_PROGBITS = 1;
const SHT_RELA = 4;
const SHT_HASH = 5;
const SHT_DYNAMIC = 6;
const SHT_DYNSYM = 11;
const SHF_WRITE = 1;
const DT_HASH = 4;
const DT_STRTAB = 5;
const DT_SYMTAB = 6;
const DT_RELA = 7;
const DT_RELASZ = 8;
const DT_RELAENT = 9;
const DT_STRSZ = 10;
const DT_SYMENT = 11;
const STT_NOTYPE = 0;
const STT_OBJECT = 1;
const ET_DYN = 3;

const programHeaderCount = 5;
/** Bytes of a relocation with an addend, and of the dynamic section with its nine entries. */
const relocationSize = 24;
const dynamicSize = 9 * 16;

export interface SharedLibrary {
  /** `e_machine`. */
  readonly machine: number;
  readonly code: Uint8Array;
  /** Symbols in the code: offset and size in bytes. */
  readonly functions: readonly { readonly name: string; readonly offset: number; readonly size: number }[];
  readonly data: { readonly name: string; readonly bytes: Uint8Array };
  /** The dynamic linker stores addresses of other libraries' symbols in the data, which is read-only from then on. */
  readonly imports?: {
    /** Type of the relocation that stores the address of a symbol in 64 bits. */
    readonly relocationType: number;
    readonly symbols: readonly { readonly name: string; readonly dataOffset: number }[];
  };
}

/**
 * Returns the addresses of code and data, for code that refers to its data. The file has the data before the code; in
 * memory it is a segment after that of the whole file.
 */
export function sharedLibraryLayout(dataLength: number): { codeAddress: number; dataAddress: number } {
  const dataOffset = fileHeaderSize + programHeaderCount * programHeaderSize;
  return {
    codeAddress: alignUp(alignUp(dataOffset + dataLength, 8) + dynamicSize, 16),
    dataAddress: segmentAlignment + dataOffset,
  };
}

/** Returns a shared library for `dlopen`. It is at most 64 KiB long. */
export function sharedLibrary({ machine, code, functions, data, imports }: SharedLibrary): Uint8Array {
  const { codeAddress, dataAddress } = sharedLibraryLayout(data.bytes.length);
  const dataOffset = dataAddress - segmentAlignment;
  const dynamicOffset = alignUp(dataOffset + data.bytes.length, 8);
  const strings = new StringTable();
  const imported = imports?.symbols ?? [];
  const symbol = (name: string, [type, section]: readonly [number, number], value = 0, size = 0) =>
    encodeSymbol({ name: strings.add(name), type, section, value, size });
  const defined = [
    ...functions.map(({ name, offset, size }) => symbol(name, symbolKinds.code, codeAddress + offset, size)),
    symbol(data.name, symbolKinds.data, dataAddress, data.bytes.length),
  ];
  const symbols = [
    new Uint8Array(symbolSize),
    ...defined,
    ...imported.map(({ name }) => symbol(name, symbolKinds.import)),
  ];
  const relocations = new ByteWriter();
  for (const [index, { dataOffset: offset }] of imported.entries()) {
    const symbolIndex = 1 + defined.length + index;
    relocations
      .u64(dataAddress + offset)
      .u32(imports!.relocationType, symbolIndex)
      .u64(0);
  }
  const hash = hashTable(defined.length, symbols.length);

  const symbolsOffset = alignUp(codeAddress + code.length, 16);
  const symbolsSize = symbols.length * symbolSize;
  const relocationsOffset = symbolsOffset + symbolsSize;
  const stringsOffset = relocationsOffset + relocations.length;
  const hashOffset = alignUp(stringsOffset + strings.content.length, 8);
  const end = hashOffset + hash.length;
  if (end > segmentAlignment) throw new RangeError(`shared library too large: ${end} bytes`);
  const dynamic = new ByteWriter()
    .u64(DT_HASH, hashOffset, DT_STRTAB, stringsOffset, DT_SYMTAB, symbolsOffset)
    .u64(DT_STRSZ, strings.content.length, DT_SYMENT, symbolSize)
    .u64(...(imported.length === 0 ? [] : [DT_RELA, relocationsOffset]))
    .u64(...(imported.length === 0 ? [] : [DT_RELASZ, relocations.length, DT_RELAENT, relocationSize]))
    .padTo(dynamicSize);
  const writableSize = dynamicOffset + dynamicSize - dataOffset;
  // Up to the end of the largest page: only whole pages can become read-only.
  const memorySize = imported.length === 0 ? writableSize : segmentAlignment - dataOffset;
  const dataSegment = [dataOffset, dataAddress, writableSize, memorySize] as const;
  const dynamicAddress = segmentAlignment + dynamicOffset;

  const contents = new ByteWriter()
    .padTo(fileHeaderSize)
    .bytes(programHeader(PT_LOAD, PF_R | PF_X, [0, 0, end, end], segmentAlignment))
    .bytes(programHeader(PT_LOAD, PF_R | PF_W, dataSegment, segmentAlignment))
    .bytes(
      programHeader(PT_DYNAMIC, PF_R | PF_W, [dynamicOffset, dynamicAddress, dynamicSize, dynamicSize], 8),
    )
    .bytes(programHeader(PT_GNU_STACK, PF_R | PF_W, [0, 0, 0, 0], 16))
    .bytes(programHeader(imported.length === 0 ? PT_NULL : PT_GNU_RELRO, PF_R, dataSegment, 1))
    .bytes(data.bytes)
    .padTo(dynamicOffset)
    .bytes(dynamic.toBytes())
    .padTo(codeAddress)
    .bytes(code)
    .padTo(symbolsOffset);
  for (const entry of symbols) contents.bytes(entry);
  contents.bytes(relocations.toBytes()).bytes(strings.content.toBytes()).padTo(hashOffset).bytes(hash);
  const section = (name: string, type: number, flags: number, offset: number, size: number) => ({
    name,
    type,
    flags: SHF_ALLOC | flags,
    address: (flags & SHF_WRITE) === 0 ? offset : segmentAlignment + offset,
    offset,
    size,
  });
  // The loader needs no sections; debuggers find symbols by them.
  return appendSections({ type: ET_DYN, machine, programHeaderCount }, contents, [
    section('.text', SHT_PROGBITS, SHF_EXECINSTR, codeAddress, code.length),
    section('.data', SHT_PROGBITS, SHF_WRITE, dataOffset, data.bytes.length),
    {
      ...section('.dynsym', SHT_DYNSYM, 0, symbolsOffset, symbolsSize),
      link: 4,
      info: 1,
      entrySize: symbolSize,
    },
    section('.dynstr', SHT_STRTAB, 0, stringsOffset, strings.content.length),
    { ...section('.hash', SHT_HASH, 0, hashOffset, hash.length), link: 3, entrySize: 4 },
    { ...section('.dynamic', SHT_DYNAMIC, SHF_WRITE, dynamicOffset, dynamicSize), link: 4, entrySize: 16 },
    {
      ...section('.rela.dyn', SHT_RELA, 0, relocationsOffset, relocations.length),
      link: 3,
      entrySize: relocationSize,
    },
  ]);
}

/** Types and section numbers of symbols. */
const symbolKinds = {
  code: [STT_FUNC, 1],
  data: [STT_OBJECT, 2],
  import: [STT_NOTYPE, 0],
} as const;

/** Offset in the file, address, bytes in the file and in memory. */
type Range = readonly [offset: number, address: number, fileSize: number, memorySize: number];

function programHeader(
  type: number,
  flags: number,
  [offset, address, fileSize, memorySize]: Range,
  alignment: number,
): Uint8Array {
  return new ByteWriter()
    .u32(type, flags)
    .u64(offset, address, address, fileSize, memorySize, alignment)
    .toBytes();
}

/** A hash table with one bucket that chains the defined symbols, which precede the imported ones. */
function hashTable(definedCount: number, symbolCount: number): Uint8Array {
  const chain = Array.from({ length: symbolCount }, (_, index) =>
    index > 0 && index < definedCount ? index + 1 : 0,
  );
  return new ByteWriter().u32(1, symbolCount, 1, ...chain).toBytes();
}
