/** The public interface of trampfd. */

export type { CodePageMethodName } from './codepage/code-page-method.js';
export type { CallerRange, RegisterValues, StackValues } from './core/contexts.js';
export { TrampfdError, type TrampfdErrorDetails } from './core/errors.js';
export { limits } from './core/limits.js';
export type {
  PortableSavedRegister,
  RegisterAlias,
  RegisterName,
  SavedRegister,
  TableRegister,
} from './core/registers.js';
export { type DiagnoseOptions, diagnose } from './doctor/diagnose.js';
export type { Diagnosis, MethodDiagnosis, SystemReport } from './doctor/schema.js';
export {
  type CallbackImplementation,
  type CallbackOptions,
  callbackStats,
  createCallback,
} from './ffi/callback.js';
export type { Callback } from './ffi/callback-handle.js';
export {
  type CallResult,
  type NativeFunction,
  type NativeFunctionOptions,
  nativeFunction,
} from './ffi/native-function.js';
export { enumeration, struct } from './ffi/prototype/declare.js';
export type { InvalidType } from './ffi/prototype/infer-tokens.js';
export type { PrototypeLike, PrototypeObject } from './ffi/prototype/prototype-like.js';
export type {
  CallbackFunction,
  CallbackResult,
  NativeArguments,
  NativeValue,
  ParametersOf,
  ResultOf,
  ValidFields,
  ValidPrototype,
} from './ffi/prototype/types.js';
export type {
  Enumeration,
  EnumerationValues,
  Struct,
  StructFields,
  UserType,
} from './ffi/prototype/user-type.js';
export type { RestrictionName } from './launcher/restrictions.js';
export type { SavedRegisters } from './machine/index.js';
export {
  createTrampolineObject,
  type TrampolineMapping,
  TrampolineObject,
  type TrampolineObjectOptions,
} from './object/trampoline-object.js';
export { type SpawnSupervisedOptions, spawnSupervised } from './supervisor/supervise.js';
export { addressOf, cString, disassemble, symbolAddress, viewMemory } from './trampolines/native-memory.js';
export type { TrampolineOptions } from './trampolines/options.js';
export {
  createRegisterHandler,
  type HandlerFunction,
  RegisterHandler,
  type RegisterHandlerOptions,
  registerContext,
  restoreContextAddress,
} from './trampolines/register-handler.js';
export {
  type Column,
  createTrampolineTable,
  type TableColumns,
  type TableStackLayout,
  type TableValues,
  TrampolineTable,
  type TrampolineTableOptions,
} from './trampolines/table.js';
export { type CreateTrampolineOptions, createTrampoline, Trampoline } from './trampolines/trampoline.js';
