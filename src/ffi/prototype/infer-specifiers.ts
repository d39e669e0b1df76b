/** `specifiers.ts` in TypeScript's types: the specifiers of a declaration, in any order. */
import type { InvalidType, IsName, Unexpected } from './infer-tokens.js';
import type { BaseKeyword, NamedTypes, Qualifier, SignKeyword, Specifier, TagKeyword } from './type-names.js';

/**
 * Parses specifiers: returns their type and the remaining tokens. The type is `'const char'`, whose pointers are strings;
 * `'incomplete'` for types that only allow pointers; else the kind in JavaScript.
 */
export type Specifiers<
  Input extends string,
  Sign extends string = '',
  Length extends string = '',
  Base extends string = '',
  Qualifiers = never,
> = Input extends `${infer Word} ${infer Rest}`
  ? Word extends Qualifier
    ? Specifiers<Rest, Sign, Length, Base, Qualifiers | Word>
    : [Word, Sign] extends [SignKeyword, '']
      ? Specifiers<Rest, Word, Length, Base, Qualifiers>
      : [Word, Length] extends ['short', ''] | ['long', '' | 'long']
        ? Specifiers<Rest, Sign, `${Length}${Word}`, Base, Qualifiers>
        : [Word, Base] extends [BaseKeyword, '']
          ? Specifiers<Rest, Sign, Length, Word, Qualifiers>
          : [Word, `${Sign}${Length}${Base}`] extends [Specifier, '']
            ? Word extends TagKeyword
              ? TagSpecifier<Word, Rest, Qualifiers>
              : Specifiers<Rest, Sign, Length, Word, Qualifiers>
            : SpecifiedType<Input, Sign, Length, Base, Qualifiers>
  : SpecifiedType<Input, Sign, Length, Base, Qualifiers>;

/** Parses the tag after `struct`, `union` or `enum`. */
type TagSpecifier<
  Word extends string,
  Input extends string,
  Qualifiers,
> = Input extends `${infer Tag} ${infer Rest}`
  ? IsName<Tag> extends true
    ? Specifiers<Rest, '', '', Word, Qualifiers>
    : Unexpected<Input>
  : Unexpected<Input>;

type SpecifiedType<
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
        ? [NamedTypeToJs<Base>, Rest]
        : InvalidType<`C has no such variant of ${Base}, or JavaScript no such numbers`>;

type NamedTypeToJs<Word extends string> = Word extends keyof NamedTypes
  ? JsTypeOf<NamedTypes[Word]>
  : Word extends 'enum'
    ? 'number'
    : 'incomplete';

type JsTypeOf<Type extends { readonly kind: string }> = Type['kind'] extends 'void' | 'pointer'
  ? Type['kind']
  : Type extends { readonly js: infer Js }
    ? Js
    : 'number';
