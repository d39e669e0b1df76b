/** Writes the native module: see module-layout.ts. */
import { alignUp } from '../../core/bits.js';
import { ByteWriter } from '../byte-writer.js';
import { type GlueData, glueEntries } from '../glue-layout.js';
import { glueHeader, glueSymbol, moduleChecksum, moduleImports, moduleTrailer } from '../module-layout.js';
import type { BuildCode } from './build-code.js';
import { sharedLibrary, sharedLibraryLayout } from './shared-library.js';

/** Alignment of code that follows other code, in bytes. */
const codeAlignment = 16;

export function nativeModule(
  elfMachine: number,
  { glue, moduleCode, importRelocation }: BuildCode,
  version: string,
): Uint8Array {
  const dataLength = 8 * moduleImports.length;
  const { codeAddress, dataAddress } = sharedLibraryLayout(dataLength);
  const importOffset: GlueData['importOffset'] = (name) =>
    8 * (moduleImports as readonly string[]).indexOf(name);
  const { bytes: code, functions } = moduleCode({
    constantsOffset: dataAddress - codeAddress,
    importOffset,
  });
  const glueCode = glue();
  const header = new ByteWriter()
    .u32(glueCode.bytes.length, ...glueEntries.map((name) => glueCode.offsets[name]))
    .padTo(glueHeader.length)
    .toBytes();
  const glueOffset = alignUp(code.length, codeAlignment);
  const file = sharedLibrary({
    machine: elfMachine,
    code: new ByteWriter().bytes(code).padTo(glueOffset).bytes(header).bytes(glueCode.bytes).toBytes(),
    functions: [
      ...functions,
      { name: glueSymbol, offset: glueOffset, size: header.length + glueCode.bytes.length },
    ],
    data: { name: 'trampfd_imports', bytes: new Uint8Array(dataLength) },
    imports: {
      relocationType: importRelocation,
      symbols: moduleImports.map((name) => ({ name, dataOffset: importOffset(name) })),
    },
  });
  const contents = new ByteWriter().bytes(file).padTo(alignUp(file.length, 4)).toBytes();
  const trailer = new TextEncoder().encode(moduleTrailer.text(version, moduleChecksum(contents)));
  return new ByteWriter().bytes(contents).bytes(trailer).toBytes();
}
