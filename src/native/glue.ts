/** The code between C and JavaScript, which is a part of the native module. */
import { TrampfdError } from '../core/errors.js';
import { type GlueOffsets, glueEntries } from '../machine/glue-layout.js';
import { glueHeader, glueSymbol } from '../machine/module-layout.js';
import { dlopen, dlsym } from './dl.js';
import { memoryAt } from './memory-view.js';
import { modulePath, nativeModule } from './module.js';
import { argumentIndex, createRecord } from './record.js';

/** Returns the code with the key that code page methods use, and offsets in it: see `GlueCode`. */
export function glueCode(): {
  readonly code: { readonly key: string; readonly bytes: Uint8Array };
  readonly offsets: GlueOffsets;
} {
  nativeModule(); // checks the file
  const address = dlsym(glueSymbol, dlopen(modulePath(process.arch)))!;
  const header = new DataView(memoryAt(address, glueHeader.length));
  const word = (offset: number): number => header.getUint32(offset, true);
  const codeAddress = address + BigInt(glueHeader.length);
  return {
    code: { key: 'closure-glue', bytes: new Uint8Array(memoryAt(codeAddress, word(glueHeader.codeLength))) },
    offsets: Object.fromEntries(
      glueEntries.map((name, index) => [name, word(glueHeader.offsets + 4 * index)]),
    ) as GlueOffsets,
  };
}

/** Calls a `napi_addon_register_func`, and returns the functions that it exports. */
export function callInitialise(address: bigint): Readonly<Record<string, (...args: never[]) => unknown>> {
  const { buffer, u64 } = createRecord();
  const exports = {};
  u64[argumentIndex] = address;
  nativeModule().initialise(buffer, exports);
  return exports;
}

/** Returns the address of a function of Node or of the C library. */
export function resolveImport(name: string): bigint {
  const address = dlsym(name);
  if (address === undefined) {
    const message = `Cannot call JavaScript from native code: this Node has no ${name}`;
    throw new TrampfdError(message, { code: 'ERR_TRAMPFD_SYMBOL' });
  }
  return address;
}
