/**
 * `declarations.ts` for the compiler, so that it knows what C in a string literal means. Whatever reads takes
 * tokens and gives a pair, what it has read and the tokens behind, or an {@link InvalidType}. A type is what it
 * is in JavaScript, in words: void, number, bigint, boolean, pointer, string. Steps from the specifiers to the
 * type are counted in stars.
 *
 * Limitations: there are no limits here, except the compiler's own.
 */
import type { Specifiers } from './infer-specifiers.js';
import type { InvalidType, IsName, NotWord, Tokenize, Unexpected } from './infer-tokens.js';
import type { Qualifier, Specifier } from './type-names.js';

export type InferPrototype<Text extends string> =
  Result<Tokenize<Text>> extends [infer Type, infer Rest extends string]
    ? FunctionDeclarator<Rest> extends [infer Args extends string[], '' | '; ']
      ? '...' extends Args[number]
        ? InvalidType<'the types that "..." stands for are given as { result, args, variadic }'>
        : { readonly result: Type; readonly args: Args }
      : ParseError<FunctionDeclarator<Rest>>
    : ParseError<Result<Tokenize<Text>>>;

export type InferResult<Text extends string> = Complete<Result<Tokenize<Text>>>;

export type InferParameter<Text extends string> = Complete<Parameter<Tokenize<Text>>>;

/** An array is `{ array }` of what its elements are. */
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

/** From the specified type and the steps to what is declared. */
type Value<Base, PointerDepth, Rest> = PointerDepth extends ''
  ? Base extends 'incomplete'
    ? InvalidType<'this can only be pointed to; structures are given with struct() in the object form'>
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

/** Name and parameters of a function, or of a pointer to one. */
type FunctionDeclarator<Input extends string> = Input extends `( * ${infer Inside}`
  ? Stars<Inside> extends [string, infer Rest extends string]
    ? SkipName<Rest> extends `) ${infer End}`
      ? ParameterList<End>
      : Unexpected<SkipName<Rest>>
    : never
  : ParameterList<SkipName<Input>>;

/** From the parenthesis on that opens. An ellipsis is one of the types. */
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

/** Behind the bracket that closes; what stands before it means nothing. */
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

type VoidNotAllowed = InvalidType<'nothing can have the type "void" here'>;

/** What has been read, if nothing is left. */
type Complete<Parsed> = Parsed extends [infer Type, ''] ? Type : ParseError<Parsed>;

/** Why something could not be read, or that it could, but not as far as it had to. */
type ParseError<Parsed> = Parsed extends [unknown, infer Rest] ? Unexpected<Rest> : Parsed;
