/** `specifiers.ts` for the compiler: the words that say a type, in any order. */
import type { InvalidType, IsName, Unexpected } from './infer-tokens.js';
import type { BaseKeyword, NamedTypes, Qualifier, SignKeyword, Specifier, TagKeyword } from './names.js';

/**
 * What the specifiers say, and the tokens behind: `'const char'`, whose pointers are strings; `'incomplete'`
 * for what can only be pointed to; else what it is in JavaScript.
 */
export type Specifiers<
  Rest extends string,
  Sign extends string = '',
  Length extends string = '',
  Base extends string = '',
  Qualifiers = never,
> = Rest extends `${infer Word} ${infer Behind}`
  ? Word extends Qualifier
    ? Specifiers<Behind, Sign, Length, Base, Qualifiers | Word>
    : [Word, Sign] extends [SignKeyword, '']
      ? Specifiers<Behind, Word, Length, Base, Qualifiers>
      : [Word, Length] extends ['short', ''] | ['long', '' | 'long']
        ? Specifiers<Behind, Sign, `${Length}${Word}`, Base, Qualifiers>
        : [Word, Base] extends [BaseKeyword, '']
          ? Specifiers<Behind, Sign, Length, Word, Qualifiers>
          : [Word, `${Sign}${Length}${Base}`] extends [Specifier, '']
            ? Word extends TagKeyword
              ? Tagged<Word, Behind, Qualifiers>
              : Specifiers<Behind, Sign, Length, Word, Qualifiers>
            : Specified<Rest, Sign, Length, Base, Qualifiers>
  : Specified<Rest, Sign, Length, Base, Qualifiers>;

/** Behind `struct`, `union` or `enum`. */
type Tagged<
  Word extends string,
  Rest extends string,
  Qualifiers,
> = Rest extends `${infer Tag} ${infer Behind}`
  ? IsName<Tag> extends true
    ? Specifiers<Behind, '', '', Word, Qualifiers>
    : Unexpected<Rest>
  : Unexpected<Rest>;

type Specified<
  Rest extends string,
  Sign extends string,
  Length extends string,
  Base extends string,
  Qualifiers,
> = `${Sign}${Length}${Base}` extends ''
  ? Unexpected<Rest>
  : Base extends '' | 'int'
    ? [Length extends '' | 'short' ? 'number' : 'bigint', Rest]
    : [Length, Base] extends ['', 'char']
      ? [[Sign, 'const'] extends ['', Qualifiers] ? 'const char' : 'number', Rest]
      : `${Sign}${Length}` extends ''
        ? [Named<Base>, Rest]
        : InvalidType<`C has no such type of ${Base}, or JavaScript no such numbers`>;

type Named<Word extends string> = Word extends keyof NamedTypes
  ? InJavaScript<NamedTypes[Word]>
  : Word extends 'enum'
    ? 'number'
    : 'incomplete';

type InJavaScript<Type extends { readonly kind: string }> = Type['kind'] extends 'void' | 'pointer'
  ? Type['kind']
  : Type extends { readonly js: infer Js }
    ? Js
    : 'number';
