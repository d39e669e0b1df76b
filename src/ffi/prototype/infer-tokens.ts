/**
 * `tokens.ts` in TypeScript's types. Tokens are one string, with a space after each: the compiler matches the first word of
 * a string faster than the first element of a tuple.
 */
import type { Keyword, UnsupportedKeyword } from './type-names.js';

/** Replaces an invalid type, so that the compiler shows the problem. */
export interface InvalidType<Problem extends string> {
  readonly invalidType: Problem;
}

export type Tokenize<Text extends string> = NormalizeSpaces<
  PadSigns<Text, ['\n', '\t', '\r', '\f', '\v', '...', '*', '(', ')', '[', ']', ',', ';']>
>;

/** Replaces white space by spaces, and puts spaces around signs. */
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

/** Whether the word is allowed as the declared name. */
export type IsName<Word extends string> = Word extends
  | Keyword
  | UnsupportedKeyword
  | NotWord
  | `${Digit}${string}`
  ? false
  : true;

/** Text with a character that words cannot contain. Limitation: only printable ASCII is checked here. */
export type NotWord = `${string}${CharactersOf<'*()[],;.!"#$%&\'+-/:<=>?@\\^`{|}~'>}${string}`;

type WhiteSpace = CharactersOf<'\n\t\r\f\v'>;
type Digit = CharactersOf<'0123456789'>;

type CharactersOf<Text extends string> = Text extends `${infer First}${infer Rest}`
  ? First | CharactersOf<Rest>
  : never;

/** Returns the error for unexpected tokens. */
export type Unexpected<Rest> = Rest extends `${infer Word} ${string}`
  ? IsName<Word> extends true
    ? InvalidType<`no C type is called "${Word}"`>
    : InvalidType<`unexpected "${Word}"`>
  : InvalidType<'the declaration ends too early'>;
