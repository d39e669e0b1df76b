/**
 * `declarations.ts` for the compiler, so that it knows what C in a string literal means. Whatever reads takes
 * tokens and gives a pair, what it has read and the tokens behind, or an {@link InvalidType}. A type is what it
 * is in JavaScript, in words: void, number, bigint, boolean, pointer, string. Steps from the specifiers to the
 * type are counted in stars.
 *
 * Limitations: there are no limits here, except the compiler's own.
 */
import type { Specifiers } from './infer-specifiers.js';
import type { InvalidType, IsName, NotWord, Tokens, Unexpected } from './infer-tokens.js';
import type { Qualifier, Specifier } from './names.js';

export type InferPrototype<Text extends string> =
  Result<Tokens<Text>> extends [infer Type, infer Rest extends string]
    ? FunctionDeclarator<Rest> extends [infer Args extends string[], '' | '; ']
      ? '...' extends Args[number]
        ? InvalidType<'the types that "..." stands for are given as { result, args, variadic }'>
        : { readonly result: Type; readonly args: Args }
      : Failure<FunctionDeclarator<Rest>>
    : Failure<Result<Tokens<Text>>>;

export type InferResult<Text extends string> = Whole<Result<Tokens<Text>>>;

export type InferParameter<Text extends string> = Whole<Parameter<Tokens<Text>>>;

/** An array is `{ array }` of what its elements are. */
export type InferField<Text extends string> =
  Result<Tokens<Text>> extends [infer Element, infer Rest extends string]
    ? Element extends 'void'
      ? NoVoid
      : Dimensions<Element, Rest>
    : Failure<Result<Tokens<Text>>>;

type Result<Rest extends string> =
  Specifiers<Rest> extends [infer Base, infer Behind extends string]
    ? Stars<Behind> extends [infer Steps, infer End]
      ? Value<Base, Steps, End>
      : never
    : Specifiers<Rest>;

/** From the specified type and the steps to what is declared. */
type Value<Base, Steps, Rest> = Steps extends ''
  ? Base extends 'incomplete'
    ? InvalidType<'this can only be pointed to; structures are given with struct() in the object form'>
    : [Base extends 'const char' ? 'number' : Base, Rest]
  : [[Base, Steps] extends ['const char', '*'] ? 'string' : 'pointer', Rest];

type Stars<Rest extends string, Steps extends string = ''> = Rest extends `${infer Word} ${infer Behind}`
  ? Word extends '*'
    ? Stars<Behind, `${Steps}*`>
    : Word extends Qualifier
      ? Stars<Behind, Steps>
      : [Steps, Rest]
  : [Steps, Rest];

/** Name and parameters of a function, or of a pointer to one. */
type FunctionDeclarator<Rest extends string> = Rest extends `( * ${infer Inside}`
  ? Stars<Inside> extends [string, infer Behind extends string]
    ? BehindName<Behind> extends `) ${infer End}`
      ? ParameterList<End>
      : Unexpected<BehindName<Behind>>
    : never
  : ParameterList<BehindName<Rest>>;

/** From the parenthesis on that opens. An ellipsis is one of the types. */
type ParameterList<Rest extends string> = Rest extends `( ) ${infer Behind}`
  ? [[], Behind]
  : Rest extends `( void ) ${infer Behind}`
    ? [[], Behind]
    : Rest extends `( ${infer Inside}`
      ? MoreParameters<Inside>
      : Unexpected<Rest>;

type MoreParameters<Rest extends string, Done extends string[] = []> = Rest extends `... ) ${infer Behind}`
  ? [[...Done, '...'], Behind]
  : Parameter<Rest> extends [infer Type extends string, infer Behind]
    ? Behind extends `, ${infer Next}`
      ? MoreParameters<Next, [...Done, Type]>
      : Behind extends `) ${infer End}`
        ? [[...Done, Type], End]
        : Unexpected<Behind>
    : Parameter<Rest>;

type Parameter<Rest extends string> =
  Specifiers<Rest> extends [infer Base, infer Behind extends string]
    ? Declarator<Behind> extends [infer Steps, infer End]
      ? [Base, Steps] extends ['void', '']
        ? NoVoid
        : Value<Base, Steps, End>
      : Declarator<Behind>
    : Specifiers<Rest>;

type Declarator<Rest extends string> =
  Stars<Rest> extends [infer Steps extends string, infer Behind extends string]
    ? Behind extends `( ${infer Inside}`
      ? BeginsDeclarator<Inside> extends true
        ? Declarator<Inside> extends [infer More extends string, `) ${infer End}`]
          ? Suffixes<End, `${Steps}${More}`>
          : Failure<Declarator<Inside>>
        : Suffixes<Behind, Steps>
      : Suffixes<BehindName<Behind>, Steps>
    : never;

type BeginsDeclarator<Rest extends string> = Rest extends `${infer Word} ${string}`
  ? Word extends '*' | '('
    ? true
    : Word extends Specifier
      ? false
      : IsName<Word>
  : false;

type BehindName<Rest extends string> = Rest extends `${infer Word} ${infer Behind}`
  ? IsName<Word> extends true
    ? Behind
    : Rest
  : Rest;

type Suffixes<Rest extends string, Steps extends string> = Rest extends `[ ${infer Inside}`
  ? BehindLength<Inside> extends infer Behind extends string
    ? Suffixes<Behind, `${Steps}*`>
    : BehindLength<Inside>
  : Rest extends `( ${string}`
    ? ParameterList<Rest> extends [string[], infer Behind extends string]
      ? Suffixes<Behind, `${Steps}**`>
      : ParameterList<Rest>
    : [Steps, Rest];

/** Behind the bracket that closes; what stands before it means nothing. */
type BehindLength<Rest extends string> = Rest extends `] ${infer Behind}`
  ? Behind
  : Rest extends `${infer Word} ${infer Behind}`
    ? Word extends '*'
      ? BehindLength<Behind>
      : Word extends NotWord
        ? Unexpected<Rest>
        : BehindLength<Behind>
    : Unexpected<Rest>;

type Dimensions<Element, Rest extends string> = Rest extends ''
  ? Element
  : Rest extends `[ ${infer Length} ] ${infer Behind}`
    ? Length extends `${'0' | '-'}${string}`
      ? Unexpected<`${Length} `>
      : Length extends `${bigint}`
        ? ArrayOf<Dimensions<Element, Behind>>
        : Unexpected<`${Length} `>
    : Unexpected<Rest>;

type ArrayOf<Element> = Element extends InvalidType<string> ? Element : { readonly array: Element };

type NoVoid = InvalidType<'nothing can have the type "void" here'>;

/** What has been read, if nothing is left. */
type Whole<Read> = Read extends [infer Type, ''] ? Type : Failure<Read>;

/** Why something could not be read, or that it could, but not as far as it had to. */
type Failure<Read> = Read extends [unknown, infer Rest] ? Unexpected<Rest> : Read;
