/** `trampfd`: native code and trampolines. What few programs use has entry points of its own. */

export type { CodePageMethodName } from './codepage/code-page-method.js';
export type { CallerRange, RegisterValues, StackLayout, StackValues } from './core/contexts.js';
export { TrampfdError, type TrampfdErrorDetails } from './core/errors.js';
export { limits } from './core/limits.js';
export type {
  PortableSavedRegister,
  RegisterAlias,
  RegisterName,
  SavedRegister,
  TableRegister,
} from './core/registers.js';
export {
  type CallbackHandle,
  type CallbackImplementation,
  type CallbackOptions,
  callbackStats,
  createCallback,
} from './ffi/callback.js';
export { type CallResult, type NativeFunctionOptions, nativeFunction } from './ffi/native-function.js';
export type { InvalidType } from './ffi/prototype/infer-tokens.js';
export type { PrototypeLike, PrototypeObject } from './ffi/prototype/parse.js';
export type {
  CallbackFunction,
  CallbackResult,
  NativeFunction,
  NativeValue,
  ParametersOf,
  ResultOf,
  ValidFields,
  ValidPrototype,
} from './ffi/prototype/types.js';
export {
  type Enumeration,
  type EnumerationValues,
  enumeration,
  type Struct,
  type StructFields,
  struct,
  type UserType,
} from './ffi/prototype/user-type.js';
export type { SavedRegisters } from './machine/index.js';
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
