/**
 * How the glue between C and JavaScript is put together on every architecture. It is fixed bytes, the same in every
 * process and thread: all that differs stands in the constants and the state behind it (glue-layout.ts).
 */
import { type ExportName, exportNames } from './glue-layout.js';
import type { GlueCode } from './machine.js';

/** Functions begin where processors fetch best. */
const alignment = 16;

/** As much as this has to know of an assembler. */
interface Assembler<Label> {
  readonly position: number;
  padTo(position: number): void;
  label(position?: number): Label;
  finish(): Uint8Array;
}

/** What emits the parts of the glue. */
export interface GlueParts<Glue, Label> {
  /** What closures lead to. */
  readonly closure: (glue: Glue) => void;
  /** What JavaScript gets. */
  readonly exported: Readonly<Record<ExportName, (glue: Glue) => void>>;
  readonly initialise: (glue: Glue, functions: readonly (readonly [ExportName, Label])[]) => void;
  /** Functions, and what they call. */
  readonly others: readonly ((glue: Glue) => void)[];
}

export function assembleGlue<Label, Glue extends { readonly asm: Assembler<Label> }>(
  glue: Glue,
  { closure, exported, initialise, others }: GlueParts<Glue, Label>,
): GlueCode {
  const { asm } = glue;
  const begin = (): number => {
    asm.padTo(Math.ceil(asm.position / alignment) * alignment);
    return asm.position;
  };
  const closureAt = begin();
  closure(glue);
  const functions = exportNames.map((name) => {
    const label = asm.label(begin());
    exported[name](glue);
    return [name, label] as const;
  });
  const initialiseAt = begin();
  initialise(glue, functions);
  for (const emit of others) {
    begin();
    emit(glue);
  }
  return { key: 'closure-glue', bytes: asm.finish(), closureAt, initialiseAt };
}
