/** The TypeScript types of prototypes: parameters, results, and errors for invalid ones. */

import type { InferField, InferParameter, InferPrototype, InferResult } from './infer-declarations.js';
import type { InvalidType } from './infer-tokens.js';
import type { PrototypeLike, PrototypeObject } from './prototype-like.js';
import type { Enumeration, Struct, StructFields, UserType } from './user-type.js';

/** Any value that crosses between C and JavaScript. */
export type NativeValue =
  | (number | bigint | boolean | string | null)
  | readonly NativeValue[]
  | { readonly [field: string]: NativeValue };

/** The arguments that a JavaScript function receives from C. `NativeValue[]` if the prototype is not a literal. */
export type ParametersOf<S extends PrototypeLike> = ArgumentValues<S, FromC<PointersOf<S>>>;

/** The result that a C function returns to JavaScript. */
export type ResultOf<S extends PrototypeLike> = ValueOf<ResultKind<S>, FromC<PointersOf<S>>>;

/** A JavaScript function that C calls. 64-bit results may also be safe integers, pointers memory or `null`. */
export type CallbackFunction<S extends PrototypeLike> = (...args: ParametersOf<S>) => CallbackResult<S>;

/** The result that a JavaScript function returns to C. */
export type CallbackResult<S extends PrototypeLike> = ValueOf<ResultKind<S>, ToC>;

/** The arguments of a C function that JavaScript calls. 64-bit ones may also be safe integers, pointers memory or `null`. */
export type NativeArguments<S extends PrototypeLike> = ArgumentValues<S, ToC>;

/** Intersected with `S` as the type of a parameter: rejects values if `S` is not a valid prototype. */
export type ValidPrototype<S extends PrototypeLike> = [S] extends [string]
  ? Valid<PrototypeKinds<S>>
  : S extends PrototypeObject
    ? {
        readonly result: Valid<KindOfResult<S['result']>>;
        readonly args: ValidArguments<S['args']>;
        readonly variadic?: ValidArguments<VariadicOf<S>>;
      } & { readonly [Name in Exclude<keyof S, keyof PrototypeObject>]: InvalidType<'no such property'> }
    : unknown;

/** Does the same for the fields of a structure. */
export type ValidFields<Fields extends StructFields> = {
  readonly [Name in keyof Fields]: Valid<KindOfField<Fields[Name]>>;
};

// --- Values by kind ---

interface CommonValues {
  // biome-ignore lint/suspicious/noConfusingVoidType: it is only ever the type of a result
  void: void;
  number: number;
  boolean: boolean;
  string: string | null;
}

/** From C to JavaScript. */
interface FromC<Pointer> extends CommonValues {
  bigint: bigint;
  pointer: Pointer;
  unknown: NativeValue;
}

/** From JavaScript to C. */
interface ToC extends CommonValues {
  bigint: bigint | number;
  pointer: bigint | number | ArrayBuffer | ArrayBufferView | null;
  unknown: NativeValue | ArrayBuffer | ArrayBufferView;
}

/** The type of values of a kind or of a user type. */
type ValueOf<Kind, Values> = Kind extends keyof Values
  ? Values[Kind]
  : Kind extends { readonly array: infer Element }
    ? readonly ValueOf<Element, Values>[]
    : Kind extends Struct<infer Fields>
      ? { readonly [Name in keyof Fields]: ValueOf<KindOfField<Fields[Name]>, Values> }
      : Kind extends Enumeration
        ? number
        : Kind extends UserType
          ? NativeValue
          : never;

// --- Kinds of a prototype ---

type ArgumentValues<S extends PrototypeLike, Values> =
  ArgumentKinds<S> extends infer Kinds extends readonly unknown[]
    ? { -readonly [Index in keyof Kinds]: ValueOf<Kinds[Index], Values> }
    : never[];

type ArgumentKinds<S extends PrototypeLike> = S extends string
  ? PrototypeKinds<S> extends { readonly args: infer Args }
    ? Args
    : never
  : S extends PrototypeObject
    ? [...KindsOfArguments<S['args']>, ...KindsOfArguments<VariadicOf<S>>]
    : never;

type ResultKind<S extends PrototypeLike> = S extends string
  ? PrototypeKinds<S> extends { readonly result: infer Result }
    ? Result
    : never
  : S extends PrototypeObject
    ? KindOfResult<S['result']>
    : never;

type PrototypeKinds<Text> = Text extends string
  ? IsLiteral<Text> extends true
    ? InferPrototype<Text>
    : { readonly result: 'unknown' | 'void'; readonly args: 'unknown'[] }
  : never;

type KindsOfArguments<Types extends readonly unknown[]> = {
  [Index in keyof Types]: KindOfArgument<Types[Index]>;
};

type KindOfArgument<Type> = Type extends string
  ? IsLiteral<Type> extends true
    ? InferParameter<Type>
    : 'unknown'
  : Type;
type KindOfResult<Type> = Type extends string
  ? IsLiteral<Type> extends true
    ? InferResult<Type>
    : 'unknown' | 'void'
  : Type;
type KindOfField<Type> = Type extends string
  ? IsLiteral<Type> extends true
    ? InferField<Type>
    : 'unknown'
  : Type;

type VariadicOf<S extends PrototypeObject> = S extends {
  readonly variadic?: infer Types extends readonly unknown[];
}
  ? Types
  : [];

type PointersOf<S extends PrototypeLike> = S extends { readonly pointers: infer Js }
  ? Js extends 'number'
    ? number
    : bigint
  : bigint;

// --- Checks ---

/** Rejects a union if any of its members is invalid. */
type Valid<Kind> = [Extract<Kind, InvalidType<string>>] extends [never]
  ? unknown
  : Extract<Kind, InvalidType<string>>;

type ValidArguments<Types extends readonly unknown[]> = {
  readonly [Index in keyof Types]: Valid<KindOfArgument<Types[Index]>>;
};

/** Whether the text is a literal: a record with non-literal names has no required properties. */
type IsLiteral<Text extends string> = Record<never, never> extends Record<Text, unknown> ? false : true;
