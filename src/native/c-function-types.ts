/** TypeScript types of C functions, derived from their prototypes. */

/** A result of 64 bits: a number if it is a safe integer. */
type Int64 = number | bigint;

interface ArgumentTypes {
  int: number;
  long: number;
  'unsigned int': number;
  'unsigned long': number;
  size_t: number;
  int64_t: bigint;
  uintptr_t: bigint;
  'const char *': string | null;
  'const char **': readonly (string | null)[];
  'void *': ArrayBufferView;
  'const void *': ArrayBufferView;
}

interface ResultTypes {
  void: undefined;
  int: number;
  long: Int64;
  intptr_t: Int64;
  uintptr_t: Int64;
}

/** Variadic arguments: for each one its C type and its value. */
type VariadicArguments = (keyof ArgumentTypes | number | bigint)[];

type Argument<Type extends string> = Type extends keyof ArgumentTypes ? ArgumentTypes[Type] : never;

type Arguments<List extends string> = List extends ''
  ? []
  : List extends '...'
    ? VariadicArguments
    : List extends `${infer First}, ${infer Rest}`
      ? [Argument<First>, ...Arguments<Rest>]
      : [Argument<List>];

type Result<Prototype extends string> = Prototype extends `const char *${string}`
  ? string | null
  : Prototype extends `${infer Type} ${string}`
    ? Type extends keyof ResultTypes
      ? ResultTypes[Type]
      : never
    : never;

type CFunction<Prototype extends string> = Prototype extends `${string}(${infer List})`
  ? (...args: Arguments<List>) => Result<Prototype>
  : never;

/** The functions of a table of prototypes. */
export type CFunctions<Prototypes extends Readonly<Record<string, string>>> = {
  readonly [Name in keyof Prototypes]: CFunction<Prototypes[Name]>;
};
