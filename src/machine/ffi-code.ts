import type { PlatformTypes, Signature } from './c-types.js';
import type { CallLayout } from './call-layout.js';
import type { GlueOffsets } from './glue-layout.js';
import type { NamedCode } from './named-code.js';

/** The code between C and JavaScript. Constants and state follow it: see glue-layout.ts. */
export interface GlueCode extends NamedCode {
  readonly offsets: GlueOffsets;
}

/** Code and layouts of calls between C and JavaScript. */
export interface FfiCode {
  readonly cPlatform: PlatformTypes;
  callLayout(signature: Pick<Signature, 'args' | 'result'>): CallLayout;
  /** Number of integer and pointer arguments that are passed in registers. */
  readonly generalArguments: number;
  /** Numbers of the registers in which a callback passes its interface and its id to the glue: ascending. */
  readonly callbackRegisters: { readonly callbackInterface: number; readonly id: number };
}
