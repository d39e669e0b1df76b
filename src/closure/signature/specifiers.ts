/** The words of a declaration that say a type, in any order: C17, sections 6.7.2 and 6.7.3. */
import type { CType, PlatformTypeName } from '../../abi/c-types.js';
import type { Meaning } from './meaning.js';
import * as names from './names.js';
import { isWord, show, type Tokens } from './tokens.js';

export interface Specified {
  /** Nothing for what has no values of its own here and can only be pointed to. */
  readonly type: CType | undefined;
  readonly isConstChar: boolean;
  /** Without qualifiers, for errors, and where the first word stands. */
  readonly text: string;
  readonly at: number;
}

interface Words {
  sign: '' | names.SignKeyword;
  length: '' | 'short' | 'long' | 'long long';
  base: string;
  /** The name of a structure, union or enumeration. */
  tag: string;
}

/** Reads as far as words can be part of the type. */
export function takeSpecifiers(tokens: Tokens, meaning: Meaning): Specified {
  let isConst = takeQualifiers(tokens);
  const { at } = tokens.peek();
  const words: Words = { sign: '', length: '', base: '', tag: '' };
  while (place(tokens.peek().text, words)) {
    const { text } = tokens.take();
    if (isOneOf(names.tagKeywords, text)) words.tag = takeTag(tokens);
    if (takeQualifiers(tokens)) isConst = true;
  }
  const text = Object.values(words).filter(Boolean).join(' ');
  if (text === '') throw noType(tokens);
  if (text === 'long double') throw tokens.error('JavaScript has no numbers like long double', at);
  if (!isType(words)) throw tokens.error(`C has no type ${show(text)}`, at);
  return { type: typeOf(words, meaning), isConstChar: isConst && text === 'char', text, at };
}

/** Takes qualifiers, if there are any; returns whether one was `const`. */
export function takeQualifiers(tokens: Tokens): boolean {
  let isConst = false;
  while (isOneOf(names.qualifiers, tokens.peek().text)) {
    if (tokens.take().text === 'const') isConst = true;
  }
  return isConst;
}

/** Adds a word to those before, if there is a place for it. */
function place(word: string, words: Words): boolean {
  const { sign, length, base } = words;
  if (isOneOf(names.signKeywords, word) && sign === '') words.sign = word;
  else if (isOneOf(names.lengthKeywords, word) && length === '') words.length = word;
  else if (word === 'long' && length === 'long') words.length = 'long long';
  else if (isOneOf(names.baseKeywords, word) && base === '') words.base = word;
  else if (names.isSpecifier(word) && sign + length + base === '') words.base = word;
  else return false;
  return true;
}

function isType({ sign, length, base }: Words): boolean {
  if (base === '' || base === 'int') return true;
  return length === '' && (sign === '' || base === 'char');
}

/** Nothing for an incomplete type. */
function typeOf({ sign, length, base }: Words, { platform, pointers }: Meaning): CType | undefined {
  const signed = sign !== 'unsigned';
  if (base === '' || base === 'int') {
    if (length === '') return signed ? names.int32 : names.uint32;
    if (length === 'short') return signed ? names.int16 : names.uint16;
    return signed ? names.int64 : names.uint64;
  }
  if (base === 'char') return { ...names.int8, signed: sign === '' ? platform.char.signed : signed };
  // GCC makes it unsigned where no value is negative. Up to 2^31-1 a value is the same number in both.
  if (base === 'enum') return names.int32;
  if (!isNamed(base)) return undefined;
  const type = names.namedTypes[base];
  if (type.kind === 'pointer') return { kind: 'pointer', js: pointers };
  if (type.kind !== 'platform') return type;
  return { kind: 'integer', js: type.js, ...platform[base as PlatformTypeName] };
}

/** The name behind `struct`, `union` or `enum`. */
function takeTag(tokens: Tokens): string {
  const { text } = tokens.peek();
  if (text === '{')
    throw tokens.error('fields are not given here, but with struct({ … }) in the object form');
  if (!names.isName(text)) throw tokens.error(`the name of a type is expected here, not ${show(text)}`);
  return tokens.take().text;
}

function noType(tokens: Tokens): RangeError {
  const { text } = tokens.peek();
  if (!isWord(text)) return tokens.error(`a type is expected here, not ${show(text)}`);
  const hint =
    tokens.peek(1).text === '*' ? `; for a pointer to it, write "void *" or "struct ${text} *"` : '';
  return tokens.error(`no C type is called ${show(text)}${hint}`);
}

const isNamed = (word: string): word is keyof names.NamedTypes => Object.hasOwn(names.namedTypes, word);

const isOneOf = <Word extends string>(words: readonly Word[], word: string): word is Word =>
  words.some((one) => one === word);
