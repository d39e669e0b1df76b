/** The words and signs of a declaration, each with its place, and errors that show the place. */

export interface Token {
  readonly text: string;
  /** Where it begins in the source, in UTF-16 units. */
  readonly offset: number;
}

/** More than anybody declares; it bounds the work for a text that is no declaration. */
const maxTextLength = 10_000;

/** What C calls white space, then a token. */
const tokenPattern = /[ \t\n\v\f\r]*(\w+|\.\.\.|[*()[\]{},;]|$)/y;

/** Text, taken token by token. */
export class TokenStream {
  readonly #text: string;
  readonly #subject: string;
  readonly #tokens: Token[] = [];
  #position = 0;

  /** @param subject what errors call the text */
  constructor(text: string, subject: string) {
    if (text.length > maxTextLength) {
      throw new RangeError(`${subject} has ${text.length} characters; at most ${maxTextLength} are read`);
    }
    this.#text = text;
    this.#subject = subject;
    tokenPattern.lastIndex = 0;
    for (let offset = 0; offset < text.length; offset = tokenPattern.lastIndex) {
      const match = tokenPattern.exec(text);
      if (match === null) {
        const badOffset = offset + text.slice(offset).search(/[^ \t\n\v\f\r]/);
        throw this.error(`no declaration has the character ${describeCharacter(text, badOffset)}`, badOffset);
      }
      this.#tokens.push({ text: match[1]!, offset: tokenPattern.lastIndex - match[1]!.length });
    }
    if (this.#tokens.at(-1)?.text !== '') this.#tokens.push({ text: '', offset: text.length });
  }

  /** The next token, or one further on. The last one is empty, and stays. */
  peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#position + ahead, this.#tokens.length - 1)]!;
  }

  next(): Token {
    const current = this.peek();
    if (current.text !== '') this.#position++;
    return current;
  }

  /** Takes the next token if it is this one. */
  accept(text: string): boolean {
    const matches = this.peek().text === text;
    if (matches) this.#position++;
    return matches;
  }

  expect(text: string): void {
    if (!this.accept(text))
      throw this.error(`${quoteToken(text)} is expected here, not ${quoteToken(this.peek().text)}`);
  }

  /** An error about a place in the text, which it shows; the next token's unless another is given. */
  error(problem: string, offset = this.peek().offset): RangeError {
    const contextLength = 40;
    const start = Math.max(0, offset - contextLength);
    const before = `${start > 0 ? '… ' : ''}${printable(this.#text.slice(start, offset))}`;
    const after = printable(this.#text.slice(offset, offset + contextLength));
    const ellipsis = offset + contextLength < this.#text.length ? ' …' : '';
    return new RangeError(
      `${this.#subject}: ${problem}\n  ${before}${after}${ellipsis}\n  ${' '.repeat(before.length)}^`,
    );
  }
}

/** How errors call a token. */
export const quoteToken = (text: string): string =>
  text === '' ? 'the end' : JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);

export const isWord = (text: string): boolean => /^[A-Za-z_]\w*$/.test(text);

function describeCharacter(text: string, offset: number): string {
  const code = text.codePointAt(offset)!;
  return `${quoteToken(String.fromCodePoint(code))} (U+${code.toString(16).toUpperCase().padStart(4, '0')})`;
}

/** As long as before, with nothing in it that ends the line or has no width. */
const printable = (text: string): string =>
  // Unicode's classes take milliseconds to compile.
  /^[ -~]*$/.test(text) ? text : text.replaceAll(/[\s\p{C}]/gu, ' ');

/** For messages, with single spaces. */
export const oneLine = (text: string): string => printable(text).replaceAll(/ +/g, ' ').trim();
