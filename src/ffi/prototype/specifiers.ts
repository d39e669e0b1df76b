/** Parser for the specifiers of a declaration, in any order: C17, sections 6.7.2 and 6.7.3. */
import type { CType, PlatformTypeName } from '../../machine/c-types.js';
import { isWord, quoteToken, type TokenStream } from './tokens.js';
import type { TypeContext } from './type-context.js';
import * as typeNames from './type-names.js';

export interface DeclSpecifiers {
  /** `undefined` for incomplete types, which only allow pointers. */
  readonly type: CType | undefined;
  readonly isConstChar: boolean;
  /** Without qualifiers, for errors; and the offset of the first word. */
  readonly text: string;
  readonly offset: number;
}

interface SpecifierWords {
  sign: '' | typeNames.SignKeyword;
  length: '' | 'short' | 'long' | 'long long';
  base: string;
  /** Name of a structure, union or enumeration. */
  tag: string;
}

/** Parses as many words as can belong to the type. */
export function parseSpecifiers(tokens: TokenStream, context: TypeContext): DeclSpecifiers {
  let isConst = acceptQualifiers(tokens);
  const { offset } = tokens.peek();
  const words: SpecifierWords = { sign: '', length: '', base: '', tag: '' };
  while (addWord(tokens.peek().text, words)) {
    const { text } = tokens.next();
    if (isOneOf(typeNames.tagKeywords, text)) words.tag = parseTag(tokens);
    if (acceptQualifiers(tokens)) isConst = true;
  }
  const text = Object.values(words).filter(Boolean).join(' ');
  if (text === '') throw typeNameExpected(tokens);
  if (text === 'long double') throw tokens.error('JavaScript has no numbers like long double', offset);
  if (!isValidCombination(words)) throw tokens.error(`C has no type ${quoteToken(text)}`, offset);
  return { type: resolveType(words, context), isConstChar: isConst && text === 'char', text, offset };
}

/** Accepts any qualifiers; returns whether one was `const`. */
export function acceptQualifiers(tokens: TokenStream): boolean {
  let isConst = false;
  while (isOneOf(typeNames.qualifiers, tokens.peek().text)) {
    if (tokens.next().text === 'const') isConst = true;
  }
  return isConst;
}

/** Adds a word to the earlier ones if the combination may still be a type; returns whether it was added. */
function addWord(word: string, words: SpecifierWords): boolean {
  const { sign, length, base } = words;
  if (isOneOf(typeNames.signKeywords, word) && sign === '') words.sign = word;
  else if (isOneOf(typeNames.lengthKeywords, word) && length === '') words.length = word;
  else if (word === 'long' && length === 'long') words.length = 'long long';
  else if (isOneOf(typeNames.baseKeywords, word) && base === '') words.base = word;
  else if (typeNames.isSpecifier(word) && sign + length + base === '') words.base = word;
  else return false;
  return true;
}

function isValidCombination({ sign, length, base }: SpecifierWords): boolean {
  if (base === '' || base === 'int') return true;
  return length === '' && (sign === '' || base === 'char');
}

/** Returns `undefined` for an incomplete type. */
function resolveType(
  { sign, length, base }: SpecifierWords,
  { platform, pointers }: TypeContext,
): CType | undefined {
  const signed = sign !== 'unsigned';
  if (base === '' || base === 'int') {
    if (length === '') return signed ? typeNames.int32 : typeNames.uint32;
    if (length === 'short') return signed ? typeNames.int16 : typeNames.uint16;
    return signed ? typeNames.int64 : typeNames.uint64;
  }
  if (base === 'char') return { ...typeNames.int8, signed: sign === '' ? platform.char.signed : signed };
  // GCC makes it unsigned if no value is negative. Values up to 2^31-1 are the same in both types.
  if (base === 'enum') return typeNames.int32;
  if (!isNamedType(base)) return undefined;
  const type = typeNames.namedTypes[base];
  if (type.kind === 'pointer') return { kind: 'pointer', js: pointers };
  if (type.kind !== 'platform') return type;
  return { kind: 'integer', js: type.js, ...platform[base as PlatformTypeName] };
}

/** Parses the name after `struct`, `union` or `enum`. */
function parseTag(tokens: TokenStream): string {
  const { text } = tokens.peek();
  if (text === '{')
    throw tokens.error('fields cannot be listed in text; pass struct({ … }) in the object form');
  if (!typeNames.isName(text)) throw tokens.error(`expected the name of a type, not ${quoteToken(text)}`);
  return tokens.next().text;
}

function typeNameExpected(tokens: TokenStream): RangeError {
  const { text } = tokens.peek();
  if (!isWord(text)) return tokens.error(`expected a type, not ${quoteToken(text)}`);
  const hint =
    tokens.peek(1).text === '*' ? `; for a pointer to it, write "void *" or "struct ${text} *"` : '';
  return tokens.error(`no C type is called ${quoteToken(text)}${hint}`);
}

const isNamedType = (word: string): word is keyof typeNames.NamedTypes =>
  Object.hasOwn(typeNames.namedTypes, word);

const isOneOf = <Word extends string>(words: readonly Word[], word: string): word is Word =>
  words.some((candidate) => candidate === word);
