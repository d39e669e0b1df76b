/** The public interface of trampfd. */
export {
  type Callback,
  type Closure,
  type ClosureOptions,
  closureStats,
  createClosure,
} from './closure/closure.js';
export { type CallResult, type NativeFunctionOptions, nativeFunction } from './closure/native-function.js';
export {
  type DeclaredType,
  type Enumeration,
  type EnumerationValues,
  enumeration,
  type Struct,
  type StructFields,
  struct,
} from './closure/signature/declared-type.js';
export type { InvalidType } from './closure/signature/infer-tokens.js';
export type { SignatureLike, SignatureObject } from './closure/signature/parse.js';
export type {
  CheckedFields,
  CheckedSignature,
  ClosureFunction,
  ClosureResult,
  NativeFunction,
  NativeValue,
  ParametersOf,
  ResultOf,
} from './closure/signature/types.js';
export type { CodePageMethodName } from './codepage/method.js';
export { type DiagnoseOptions, diagnose } from './doctor/diagnose.js';
export type { Diagnosis, MethodDiagnosis, SystemReport } from './doctor/schema.js';
export type { RestrictionName } from './linux/restrictions.js';
export {
  type CreateHandlerTrampolineOptions,
  createHandlerTrampoline,
  type Handler,
  HandlerTrampoline,
  resumeRegisters,
  savedRegisters,
} from './local/handler.js';
export { addressOf, cString, disassemble, symbolAddress, viewMemory } from './local/native.js';
export type { TrampolineOptions } from './local/options.js';
export {
  type Column,
  createTrampolineTable,
  type TableColumns,
  type TableStack,
  type TableValues,
  TrampolineTable,
  type TrampolineTableOptions,
} from './local/table.js';
export { type CreateTrampolineOptions, createTrampoline, Trampoline } from './local/trampoline.js';
export type { SavedRegisters } from './machine/index.js';
export {
  createTrampolineDescriptor,
  TrampolineDescriptor,
  type TrampolineDescriptorOptions,
  type TrampolineMapping,
} from './supervisor/descriptor.js';
export { type SuperviseOptions, supervise } from './supervisor/supervise.js';
export type { CallerRange, RegisterValues, StackValues } from './trampoline/contexts.js';
export { TrampfdError, type TrampfdErrorDetails } from './trampoline/errors.js';
export { limits } from './trampoline/limits.js';
export type {
  PortableSavedRegister,
  RegisterAlias,
  RegisterName,
  SavedRegister,
  TableRegister,
} from './trampoline/registers.js';
