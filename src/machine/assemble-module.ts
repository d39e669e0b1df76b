/** Assembles the code of the native module from the parts of an architecture: see module-layout.ts. */
import { alignUp } from '../core/bits.js';
import type { GlueAssembler, GlueBase } from './assemble-glue.js';
import type { Label } from './label-assembler.js';
import {
  initFunctionName,
  type ModuleExport,
  type ModuleFunction,
  moduleExports,
  moduleFunctions,
} from './module-layout.js';

export interface ModuleCode {
  readonly bytes: Uint8Array;
  /** The functions that have symbols: that which Node calls when it loads the module, and those for C. */
  readonly functions: readonly { readonly name: string; readonly offset: number; readonly size: number }[];
}

type Emit<Glue> = (glue: Glue) => void;

/** Emitters of the parts. `copyBytes` is missing on architectures that have an instruction for it. */
export interface ModuleEmitters<Glue>
  extends Readonly<Record<ModuleExport | ModuleFunction | 'callTarget', Emit<Glue>>> {
  readonly initialiseModule: (glue: Glue, functions: readonly (readonly [string, Label])[]) => void;
  readonly copyBytes?: Emit<Glue>;
}

/** Alignment of functions, in bytes. */
const alignment = 16;

export function assembleModule<Glue extends GlueBase<GlueAssembler>>(
  glue: Glue,
  emitters: ModuleEmitters<Glue>,
): ModuleCode {
  const { asm } = glue;
  const alignFunction = (): number => {
    asm.padTo(alignUp(asm.position, alignment));
    return asm.position;
  };
  const functions = moduleExports.map((name) => {
    const label = asm.label(alignFunction());
    emitters[name](glue);
    return [name, label] as const;
  });
  for (const name of ['callTarget', 'copyBytes'] as const) {
    alignFunction();
    emitters[name]?.(glue);
  }
  const symbols = ([...moduleFunctions, initFunctionName] as const).map((name) => {
    const offset = alignFunction();
    if (name === initFunctionName) emitters.initialiseModule(glue, functions);
    else emitters[name](glue);
    return { name, offset, size: asm.position - offset };
  });
  alignFunction();
  glue.emitStringTable();
  return { bytes: asm.finish(), functions: symbols };
}
