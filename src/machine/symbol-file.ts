import { ByteWriter } from './byte-writer.js';
import {
  appendSections,
  encodeSymbol,
  fileHeaderSize,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHT_STRTAB,
  STT_FUNC,
  StringTable,
  symbolSize,
} from './elf-file.js';

const SHT_SYMTAB = 2;
const SHT_NOBITS = 8;
const ET_REL = 1;

/** Returns an object file for debuggers that names a function at an address. It does not contain the code. */
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
