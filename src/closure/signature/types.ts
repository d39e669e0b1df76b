/** What signatures mean in TypeScript: the functions on both sides, and what the compiler refuses. */
import type { DeclaredType, Enumeration, Struct, StructFields } from './declared-type.js';
import type { InferField, InferParameter, InferPrototype, InferResult } from './infer-declarations.js';
import type { InvalidType } from './infer-tokens.js';
import type { SignatureLike, SignatureObject } from './parse.js';

/** Any value that crosses between C and JavaScript. */
export type NativeValue =
  | (number | bigint | boolean | string | null)
  | readonly NativeValue[]
  | { readonly [field: string]: NativeValue };

/** What JavaScript gets as arguments of a function with this signature. `NativeValue[]` where it is not known before. */
export type ParametersOf<S extends SignatureLike> = Arguments<S, Received<PointersOf<S>>>;

/** What a function with this signature returns to JavaScript. */
export type ResultOf<S extends SignatureLike> = ValueOf<ResultKind<S>, Received<PointersOf<S>>>;

/** A function in JavaScript that C calls. 64-bit results may be safe integers, too, and pointers memory or `null`. */
export type ClosureFunction<S extends SignatureLike> = (...args: ParametersOf<S>) => ClosureResult<S>;

/** What such a function returns. */
export type ClosureResult<S extends SignatureLike> = ValueOf<ResultKind<S>, Given>;

/** A function in C that JavaScript calls. 64-bit arguments may be safe integers, too, and pointers memory or `null`. */
export type NativeFunction<S extends SignatureLike> = (...args: Arguments<S, Given>) => ResultOf<S>;

/** To be a parameter's type together with `S`: nothing fits it where `S` is no signature. */
export type CheckedSignature<S extends SignatureLike> = [S] extends [string]
  ? Checked<PrototypeKinds<S>>
  : S extends SignatureObject
    ? {
        readonly result: Checked<KindOfResult<S['result']>>;
        readonly args: CheckedArguments<S['args']>;
        readonly variadic?: CheckedArguments<VariadicOf<S>>;
      } & { readonly [Name in Exclude<keyof S, keyof SignatureObject>]: InvalidType<'no such property'> }
    : unknown;

/** The same for fields of a structure. */
export type CheckedFields<Fields extends StructFields> = {
  readonly [Name in keyof Fields]: Checked<KindOfField<Fields[Name]>>;
};

// --- Values by kind ---

interface Common {
  // biome-ignore lint/suspicious/noConfusingVoidType: it is only ever the type of a result
  void: void;
  number: number;
  boolean: boolean;
  string: string | null;
}

/** From C to JavaScript. */
interface Received<Pointer> extends Common {
  bigint: bigint;
  pointer: Pointer;
  unknown: NativeValue;
}

/** From JavaScript to C. */
interface Given extends Common {
  bigint: bigint | number;
  pointer: bigint | number | ArrayBuffer | ArrayBufferView | null;
  unknown: NativeValue | ArrayBuffer | ArrayBufferView;
}

/** The values of a kind, or of a declared type. */
type ValueOf<Kind, Values> = Kind extends keyof Values
  ? Values[Kind]
  : Kind extends { readonly array: infer Element }
    ? readonly ValueOf<Element, Values>[]
    : Kind extends Struct<infer Fields>
      ? { readonly [Name in keyof Fields]: ValueOf<KindOfField<Fields[Name]>, Values> }
      : Kind extends Enumeration
        ? number
        : Kind extends DeclaredType
          ? NativeValue
          : never;

// --- Kinds of a signature ---

type Arguments<S extends SignatureLike, Values> =
  ArgumentKinds<S> extends infer Kinds extends readonly unknown[]
    ? { -readonly [Index in keyof Kinds]: ValueOf<Kinds[Index], Values> }
    : never[];

type ArgumentKinds<S extends SignatureLike> = S extends string
  ? PrototypeKinds<S> extends { readonly args: infer Args }
    ? Args
    : never
  : S extends SignatureObject
    ? [...KindsOfArguments<S['args']>, ...KindsOfArguments<VariadicOf<S>>]
    : never;

type ResultKind<S extends SignatureLike> = S extends string
  ? PrototypeKinds<S> extends { readonly result: infer Result }
    ? Result
    : never
  : S extends SignatureObject
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

type VariadicOf<S extends SignatureObject> = S extends {
  readonly variadic?: infer Types extends readonly unknown[];
}
  ? Types
  : [];

type PointersOf<S extends SignatureLike> = S extends { readonly pointers: infer Js }
  ? Js extends 'number'
    ? number
    : bigint
  : bigint;

// --- Checks ---

/** Of one of several, each has to be right. */
type Checked<Kind> = [Extract<Kind, InvalidType<string>>] extends [never]
  ? unknown
  : Extract<Kind, InvalidType<string>>;

type CheckedArguments<Types extends readonly unknown[]> = {
  readonly [Index in keyof Types]: Checked<KindOfArgument<Types[Index]>>;
};

/** Whether the text is known to the compiler: a record of unknown names is one without any. */
type IsLiteral<Text extends string> = Record<never, never> extends Record<Text, unknown> ? false : true;
