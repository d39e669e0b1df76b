/**
 * `tokens.ts` for the compiler. Tokens stay in one string, each with one space behind: the compiler takes the
 * first word of a string with less work than the first element of a tuple.
 */
import type { Keyword, UnsupportedKeyword } from './type-names.js';

/** Stands in the place of a type that does not exist, so that the compiler says why. */
export interface InvalidType<Problem extends string> {
  readonly invalidType: Problem;
}

export type Tokenize<Text extends string> = NormalizeSpaces<
  PadSigns<Text, ['\n', '\t', '\r', '\f', '\v', '...', '*', '(', ')', '[', ']', ',', ';']>
>;

/** Text with spaces for white space and around signs. */
type PadSigns<Text extends string, Signs extends string[]> = Signs extends [
  infer First extends string,
  ...infer Rest extends string[],
]
  ? PadSigns<Replace<Text, First, First extends WhiteSpace ? ' ' : ` ${First} `>, Rest>
  : Text;

type Replace<
  Text extends string,
  From extends string,
  To extends string,
  Done extends string = '',
> = Text extends `${infer Before}${From}${infer After}`
  ? Replace<After, From, To, `${Done}${Before}${To}`>
  : `${Done}${Text}`;

type NormalizeSpaces<
  Text extends string,
  Done extends string = '',
> = Text extends `${infer Word} ${infer Rest}`
  ? NormalizeSpaces<Rest, Word extends '' ? Done : `${Done}${Word} `>
  : Text extends ''
    ? Done
    : `${Done}${Text} `;

/** Whether this can be the name of what is declared. */
export type IsName<Word extends string> = Word extends
  | Keyword
  | UnsupportedKeyword
  | NotWord
  | `${Digit}${string}`
  ? false
  : true;

/** Any text with a character that words do not have; of strange ones only those of ASCII that print are known here. */
export type NotWord = `${string}${CharactersOf<'*()[],;.!"#$%&\'+-/:<=>?@\\^`{|}~'>}${string}`;

type WhiteSpace = CharactersOf<'\n\t\r\f\v'>;
type Digit = CharactersOf<'0123456789'>;

type CharactersOf<Text extends string> = Text extends `${infer First}${infer Rest}`
  ? First | CharactersOf<Rest>
  : never;

/** Why these tokens cannot stand where they do. */
export type Unexpected<Rest> = Rest extends `${infer Word} ${string}`
  ? IsName<Word> extends true
    ? InvalidType<`no C type is called "${Word}"`>
    : InvalidType<`"${Word}" cannot stand here`>
  : InvalidType<'the declaration ends too early'>;
