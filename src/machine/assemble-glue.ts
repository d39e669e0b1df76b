/**
 * Assembles the glue between C and JavaScript from the parts of an architecture. The code is the same in every process
 * and thread: everything else is in the constants and the state that follow it (glue-layout.ts).
 */
import { alignUp } from '../core/bits.js';
import type { GlueCode } from './ffi-code.js';
import {
  crossThreadModes,
  type ExportName,
  exportNames,
  type FastCallName,
  fastCallNames,
  type GlueEntry,
  type GlueOffsets,
  glueEntries,
} from './glue-layout.js';
import type { Fixup, Label, LabelAssembler } from './label-assembler.js';

/** Alignment of functions, in bytes: processors fetch aligned blocks of 16. */
const alignment = 16;

/** Functions that Node or the exported functions call, in the order of the code. */
const subroutineNames = [
  ...(['handleScopes', 'copyBytes', 'callTarget', 'asyncCall', 'handleRequest'] as const),
  ...(['unlinkAndComplete', 'unlink', 'deliverResult', 'cleanupHook', 'lock'] as const),
] as const;
type SubroutineName = (typeof subroutineNames)[number];

/** Labels of everything that one part of the glue uses and another part binds. */
const labelNames = [
  ...(['openScope', 'closeScope', 'lock', 'unlinkAndComplete', 'unlink', 'deliverResult'] as const),
  ...(['callTarget', 'copyBytes', 'handleRequest', 'execute', 'complete', 'shutdown'] as const),
  ...(['cleanupHook', 'fiberResume'] as const),
] as const;
type GlueLabels = Readonly<Record<(typeof labelNames)[number], Label>>;

type Emit<Glue> = (glue: Glue) => void;

/** Emitters of the parts. `copyBytes` is missing on architectures that have an instruction for it. */
export interface GlueEmitters<Glue>
  extends Readonly<Record<ExportName | FastCallName | Exclude<SubroutineName, 'copyBytes'>, Emit<Glue>>> {
  /** The code that callbacks jump to. */
  readonly callbackEntry: Emit<Glue>;
  /** The function that is called as if Node loaded a module, with the functions to export. */
  readonly initialise: (glue: Glue, functions: readonly (readonly [ExportName, Label])[]) => void;
  readonly copyBytes?: Emit<Glue>;
}

export type GlueAssembler = Pick<
  LabelAssembler<Fixup>,
  'position' | 'padTo' | 'label' | 'bind' | 'data' | 'finish'
>;

/** State shared by the parts while they are assembled. */
export abstract class GlueBase<Asm extends GlueAssembler> {
  readonly asm: Asm;
  readonly labels: GlueLabels;
  readonly #strings: { readonly label: Label; readonly bytes: Uint8Array }[] = [];

  constructor(asm: Asm) {
    this.asm = asm;
    this.labels = Object.fromEntries(labelNames.map((name) => [name, asm.label()])) as GlueLabels;
  }

  /** Returns a label for a NUL-terminated string. */
  cString(content: string): Label {
    const label = this.asm.label();
    this.#strings.push({ label, bytes: new TextEncoder().encode(`${content}\0`) });
    return label;
  }

  emitStringTable(): void {
    for (const { label, bytes } of this.#strings) {
      this.asm.bind(label);
      this.asm.data(bytes);
    }
  }
}

export function assembleGlue<Glue extends GlueBase<GlueAssembler>>(
  glue: Glue,
  emitters: GlueEmitters<Glue>,
): GlueCode {
  // The code tests the mode of a call with instructions that compare with 0.
  if (crossThreadModes.block !== 0) throw new Error('crossThreadModes.block must be 0');
  const { asm } = glue;
  const alignFunction = (): number => {
    asm.padTo(alignUp(asm.position, alignment));
    return asm.position;
  };
  const offsets: Partial<Record<GlueEntry, number>> = { callbackEntry: alignFunction() };
  emitters.callbackEntry(glue);
  const emitFunction = <Name extends ExportName | FastCallName>(name: Name): readonly [Name, Label] => {
    const offset = alignFunction();
    if (glueEntries.includes(name as GlueEntry)) offsets[name as GlueEntry] = offset;
    const label = asm.label(offset);
    emitters[name](glue);
    return [name, label];
  };
  const functions = exportNames.map(emitFunction);
  fastCallNames.forEach(emitFunction);
  offsets.initialise = alignFunction();
  emitters.initialise(glue, functions);
  for (const name of subroutineNames) {
    alignFunction();
    emitters[name]?.(glue);
  }
  alignFunction();
  glue.emitStringTable();
  return { key: 'closure-glue', bytes: asm.finish(), offsets: offsets as GlueOffsets };
}
