/** The only place that chooses an architecture. */
import { arm64 } from './arm64/index.js';
import type { Machine } from './machine.js';
import { x64 } from './x64/index.js';

export type {
  ArgLocation,
  CallLayout,
  DirectLocation,
  RegisterPiece,
  ResultLocation,
} from './call-layout.js';
export type { SystemCallName } from './linux-abi.js';
export type { Machine } from './machine.js';
export type { EntryCode, ObjectContexts } from './supervised-code.js';
export type { CodeImage, FaultHandlerCode, SavedRegisters } from './trampoline-code.js';

/** The supported architectures, by Node's names. Getters, since the bundle loads each when it is first used. */
export const machines: Readonly<Record<string, Machine>> = {
  get x64() {
    return x64;
  },
  get arm64() {
    return arm64;
  },
};

/** Returns the machine for a value of `process.arch`, or undefined if it is not supported. */
export function machineFor(name: string): Machine | undefined {
  return Object.hasOwn(machines, name) ? machines[name] : undefined;
}
