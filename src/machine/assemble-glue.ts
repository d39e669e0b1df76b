/**
 * How the glue between C and JavaScript is put together on every architecture. It is fixed bytes, the same in every
 * process and thread: all that differs stands in the constants and the state behind it (glue-layout.ts).
 */
import { type ExportName, exportNames } from './glue-layout.js';
import type { GlueCode } from './machine.js';

/** Functions begin where processors fetch best. */
const alignment = 16;

/** As much as this has to know of an assembler. */
interface GlueAssembler<Label> {
  readonly position: number;
  padTo(position: number): void;
  label(position?: number): Label;
  finish(): Uint8Array;
}

/** What emits the parts of the glue. */
export interface GlueParts<Glue, Label> {
  /** What closures lead to. */
  readonly callbackEntry: (glue: Glue) => void;
  /** What JavaScript gets. */
  readonly exportedFunctions: Readonly<Record<ExportName, (glue: Glue) => void>>;
  readonly initialise: (glue: Glue, functions: readonly (readonly [ExportName, Label])[]) => void;
  /** Functions, and what they call. */
  readonly subroutines: readonly ((glue: Glue) => void)[];
}

export function assembleGlue<Label, Glue extends { readonly asm: GlueAssembler<Label> }>(
  glue: Glue,
  { callbackEntry, exportedFunctions, initialise, subroutines }: GlueParts<Glue, Label>,
): GlueCode {
  const { asm } = glue;
  const alignFunction = (): number => {
    asm.padTo(Math.ceil(asm.position / alignment) * alignment);
    return asm.position;
  };
  const callbackEntryOffset = alignFunction();
  callbackEntry(glue);
  const functions = exportNames.map((name) => {
    const label = asm.label(alignFunction());
    exportedFunctions[name](glue);
    return [name, label] as const;
  });
  const initialiseOffset = alignFunction();
  initialise(glue, functions);
  for (const emit of subroutines) {
    alignFunction();
    emit(glue);
  }
  return { key: 'closure-glue', bytes: asm.finish(), callbackEntryOffset, initialiseOffset };
}
