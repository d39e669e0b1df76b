/** The one place that chooses the architecture. */
import { arm64 } from './arm64/index.js';
import type { Machine } from './machine.js';
import { x64 } from './x64/index.js';

export type {
  ArgLocation,
  CallLayout,
  DirectLocation,
  RegisterBank,
  RegisterPiece,
  ResultLocation,
} from './call-layout.js';
export type {
  CodeImage,
  EntryCode,
  FaultHandlerCode,
  FreedCallStubCode,
  GlueCode,
  Instruction,
  Machine,
  NamedCode,
  ObjectCode,
  ObjectContexts,
  RandomU64,
  SavedRegisters,
  SystemCallName,
  TableCode,
  TableContexts,
  UserRegs,
} from './machine.js';

/** Every architecture that we have code for, by the name that Node gives it. */
export const machines: Readonly<Record<string, Machine>> = { x64, arm64 };

/** The machine called `name` as Node's `process.arch` calls it, or nothing when it is not one of ours. */
export function machineFor(name: string): Machine | undefined {
  return Object.hasOwn(machines, name) ? machines[name] : undefined;
}
