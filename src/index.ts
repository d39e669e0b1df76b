/**
 * Native code and trampolines. Features that few programs use have entry points of their own.
 * @module trampfd
 */

export type { CodeSource } from './codepage/code-page-method.js';
export type { CallerRange, RegisterValues, StackLayout, StackValues } from './core/contexts.js';
export { TrampfdError, type TrampfdErrorDetails } from './core/errors.js';
export { limits } from './core/limits.js';
export type {
  PortableRegisterContextName,
  RegisterAlias,
  RegisterContextName,
  RegisterName,
  TableRegister,
} from './core/registers.js';
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
export { createRegisterHandler } from './trampolines/create-register-handler.js';
export { createTrampolineTable } from './trampolines/create-table.js';
export { createTrampoline } from './trampolines/create-trampoline.js';
export { disassemble } from './trampolines/disassemble.js';
export { addressOf, cString, viewMemory } from './trampolines/native-memory.js';
export type { TrampolineOptions } from './trampolines/options.js';
export { type RegisterContext, registerContext } from './trampolines/register-context.js';
export type {
  HandlerFunction,
  RegisterHandler,
  RegisterHandlerOptions,
} from './trampolines/register-handler.js';
export { symbolAddress } from './trampolines/symbols.js';
export type {
  Column,
  TableColumns,
  TableStackLayout,
  TableValues,
  TrampolineTable,
  TrampolineTableOptions,
} from './trampolines/table.js';
export type { CreateTrampolineOptions, Trampoline, TrampolineUpdate } from './trampolines/trampoline.js';
