/** The one place that chooses the architecture. */
import { createRequire } from 'node:module';
import type { Machine } from './machine.js';

export type { CallLayout, DirectPlace, Piece, RegisterBank, ResultPlace, ValuePlace } from './calls.js';
export type {
  CodeImage,
  EntryCode,
  FarewellCode,
  FaultHandlerCode,
  GlueCode,
  Instruction,
  Machine,
  NamedCode,
  ObjectCode,
  ObjectContexts,
  RandomWord,
  SavedRegisters,
  SystemCallName,
  TableCode,
  TableContexts,
  ThreadRegisters,
} from './machine.js';

/** Loads a module when it is asked for: thirty files take as many milliseconds, in every thread. */
const load = createRequire(import.meta.url);

/** Every architecture that we have code for, by the name that Node gives it. */
export const machines: Readonly<Record<string, Machine>> = {
  get x64() {
    return (load('./x64/index.js') as typeof import('./x64/index.js')).x64;
  },
  get arm64() {
    return (load('./arm64/index.js') as typeof import('./arm64/index.js')).arm64;
  },
};

/** The machine called `name` as Node's `process.arch` calls it, or nothing when it is not one of ours. */
export function machineFor(name: string): Machine | undefined {
  return Object.hasOwn(machines, name) ? machines[name] : undefined;
}
