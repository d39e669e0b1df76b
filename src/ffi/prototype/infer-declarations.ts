/**
 * `declaration-parser.ts` in TypeScript's types: infers the meaning of C in a string literal. Each type takes a string of
 * tokens and returns a pair of the parsed value and the remaining tokens, or an {@link InvalidType}. A C type is represented
 * by its kind in JavaScript: void, number, bigint, boolean, pointer, string; pointer depth is a string of stars.
 *
 * Limitation: there are no limits on length and depth, except the compiler's own.
 */
import type { Specifiers } from './infer-specifiers.js';
import type { InvalidType, IsName, NotWord, Tokenize, Unexpected } from './infer-tokens.js';
import type { Qualifier, Specifier } from './type-names.js';

export type InferPrototype<Text extends string> =
  Result<Tokenize<Text>> extends [infer Type, infer Rest extends string]
    ? FunctionDeclarator<Rest> extends [infer Args extends string[], '' | '; ']
      ? '...' extends Args[number]
        ? InvalidType<'list the types of "..." in the object form: { result, args, variadic }'>
        : { readonly result: Type; readonly args: Args }
      : ParseError<FunctionDeclarator<Rest>>
    : ParseError<Result<Tokenize<Text>>>;

export type InferResult<Text extends string> = Complete<Result<Tokenize<Text>>>;

export type InferParameter<Text extends string> = Complete<Parameter<Tokenize<Text>>>;

/** An array is `{ array }` with the kind of its elements. */
export type InferField<Text extends string> =
  Result<Tokenize<Text>> extends [infer Element, infer Rest extends string]
    ? Element extends 'void'
      ? VoidNotAllowed
      : Dimensions<Element, Rest>
    : ParseError<Result<Tokenize<Text>>>;

type Result<Input extends string> =
  Specifiers<Input> extends [infer Base, infer Rest extends string]
    ? Stars<Rest> extends [infer PointerDepth, infer End]
      ? Value<Base, PointerDepth, End>
      : never
    : Specifiers<Input>;

/** Computes the declared type from the specified one and the pointer depth. */
type Value<Base, PointerDepth, Rest> = PointerDepth extends ''
  ? Base extends 'incomplete'
    ? InvalidType<'only pointers to this type are allowed; pass struct({ … }) in the object form'>
    : [Base extends 'const char' ? 'number' : Base, Rest]
  : [[Base, PointerDepth] extends ['const char', '*'] ? 'string' : 'pointer', Rest];

type Stars<
  Input extends string,
  PointerDepth extends string = '',
> = Input extends `${infer Word} ${infer Rest}`
  ? Word extends '*'
    ? Stars<Rest, `${PointerDepth}*`>
    : Word extends Qualifier
      ? Stars<Rest, PointerDepth>
      : [PointerDepth, Input]
  : [PointerDepth, Input];

/** Parses the name and parameters of a function, or of a pointer to one. */
type FunctionDeclarator<Input extends string> = Input extends `( * ${infer Inside}`
  ? Stars<Inside> extends [string, infer Rest extends string]
    ? SkipName<Rest> extends `) ${infer End}`
      ? ParameterList<End>
      : Unexpected<SkipName<Rest>>
    : never
  : ParameterList<SkipName<Input>>;

/** Parses parameters in parentheses. An ellipsis is one of the types. */
type ParameterList<Input extends string> = Input extends `( ) ${infer Rest}`
  ? [[], Rest]
  : Input extends `( void ) ${infer Rest}`
    ? [[], Rest]
    : Input extends `( ${infer Inside}`
      ? RemainingParameters<Inside>
      : Unexpected<Input>;

type RemainingParameters<
  Input extends string,
  Done extends string[] = [],
> = Input extends `... ) ${infer Rest}`
  ? [[...Done, '...'], Rest]
  : Parameter<Input> extends [infer Type extends string, infer Rest]
    ? Rest extends `, ${infer Next}`
      ? RemainingParameters<Next, [...Done, Type]>
      : Rest extends `) ${infer End}`
        ? [[...Done, Type], End]
        : Unexpected<Rest>
    : Parameter<Input>;

type Parameter<Input extends string> =
  Specifiers<Input> extends [infer Base, infer Rest extends string]
    ? Declarator<Rest> extends [infer PointerDepth, infer End]
      ? [Base, PointerDepth] extends ['void', '']
        ? VoidNotAllowed
        : Value<Base, PointerDepth, End>
      : Declarator<Rest>
    : Specifiers<Input>;

type Declarator<Input extends string> =
  Stars<Input> extends [infer PointerDepth extends string, infer Rest extends string]
    ? Rest extends `( ${infer Inside}`
      ? BeginsDeclarator<Inside> extends true
        ? Declarator<Inside> extends [infer InnerDepth extends string, `) ${infer End}`]
          ? Suffixes<End, `${PointerDepth}${InnerDepth}`>
          : ParseError<Declarator<Inside>>
        : Suffixes<Rest, PointerDepth>
      : Suffixes<SkipName<Rest>, PointerDepth>
    : never;

type BeginsDeclarator<Input extends string> = Input extends `${infer Word} ${string}`
  ? Word extends '*' | '('
    ? true
    : Word extends Specifier
      ? false
      : IsName<Word>
  : false;

type SkipName<Input extends string> = Input extends `${infer Word} ${infer Rest}`
  ? IsName<Word> extends true
    ? Rest
    : Input
  : Input;

type Suffixes<Input extends string, PointerDepth extends string> = Input extends `[ ${infer Inside}`
  ? SkipLength<Inside> extends infer Rest extends string
    ? Suffixes<Rest, `${PointerDepth}*`>
    : SkipLength<Inside>
  : Input extends `( ${string}`
    ? ParameterList<Input> extends [string[], infer Rest extends string]
      ? Suffixes<Rest, `${PointerDepth}**`>
      : ParameterList<Input>
    : [PointerDepth, Input];

/** Skips to the token after the closing bracket. */
type SkipLength<Input extends string> = Input extends `] ${infer Rest}`
  ? Rest
  : Input extends `${infer Word} ${infer Rest}`
    ? Word extends '*'
      ? SkipLength<Rest>
      : Word extends NotWord
        ? Unexpected<Input>
        : SkipLength<Rest>
    : Unexpected<Input>;

type Dimensions<Element, Input extends string> = Input extends ''
  ? Element
  : Input extends `[ ${infer Length} ] ${infer Rest}`
    ? Length extends `${'0' | '-'}${string}`
      ? Unexpected<`${Length} `>
      : Length extends `${bigint}`
        ? ArrayOf<Dimensions<Element, Rest>>
        : Unexpected<`${Length} `>
    : Unexpected<Input>;

type ArrayOf<Element> = Element extends InvalidType<string> ? Element : { readonly array: Element };

type VoidNotAllowed = InvalidType<'the type "void" is not allowed here'>;

/** Returns the parsed value if no tokens remain. */
type Complete<Parsed> = Parsed extends [infer Type, ''] ? Type : ParseError<Parsed>;

/** Returns the error of a parse that failed, or that ended before the last token. */
type ParseError<Parsed> = Parsed extends [unknown, infer Rest] ? Unexpected<Rest> : Parsed;
