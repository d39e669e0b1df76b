/** Tokens of a declaration with their offsets, and errors that show the position. */

export interface Token {
  readonly text: string;
  /** Offset in the text, in UTF-16 code units. */
  readonly offset: number;
}

/** Characters. Far more than declarations have; bounds the work for invalid text. */
const maxTextLength = 10_000;

/** White space as in C, then a token. */
const tokenPattern = /[ \t\n\v\f\r]*(\w+|\.\.\.|[*()[\]{},;]|$)/y;

/** Splits text into tokens, and returns them one by one. */
export class TokenStream {
  readonly #text: string;
  readonly #subject: string;
  readonly #tokens: Token[] = [];
  #position = 0;

  /** @param subject the name of the text in errors */
  constructor(text: string, subject: string) {
    if (text.length > maxTextLength) {
      throw new RangeError(`${subject} has ${text.length} characters; at most ${maxTextLength} are possible`);
    }
    this.#text = text;
    this.#subject = subject;
    tokenPattern.lastIndex = 0;
    for (let offset = 0; offset < text.length; offset = tokenPattern.lastIndex) {
      const match = tokenPattern.exec(text);
      if (match === null) {
        const badOffset = offset + text.slice(offset).search(/[^ \t\n\v\f\r]/);
        throw this.error(`invalid character ${describeCharacter(text, badOffset)}`, badOffset);
      }
      this.#tokens.push({ text: match[1]!, offset: tokenPattern.lastIndex - match[1]!.length });
    }
    if (this.#tokens.at(-1)?.text !== '') this.#tokens.push({ text: '', offset: text.length });
  }

  /** Returns the next token, or a later one. After the last token it returns an empty one. */
  peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#position + ahead, this.#tokens.length - 1)]!;
  }

  next(): Token {
    const current = this.peek();
    if (current.text !== '') this.#position++;
    return current;
  }

  /** Consumes the next token if it has this text; returns whether it did. */
  accept(text: string): boolean {
    const matches = this.peek().text === text;
    if (matches) this.#position++;
    return matches;
  }

  expect(text: string): void {
    if (!this.accept(text))
      throw this.error(`expected ${quoteToken(text)}, not ${quoteToken(this.peek().text)}`);
  }

  /** Returns an error that shows a position in the text: by default that of the next token. */
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

/** Returns a token as errors show it. */
export const quoteToken = (text: string): string =>
  text === '' ? 'the end' : JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);

export const isWord = (text: string): boolean => /^[A-Za-z_]\w*$/.test(text);

function describeCharacter(text: string, offset: number): string {
  const code = text.codePointAt(offset)!;
  return `${quoteToken(String.fromCodePoint(code))} (U+${code.toString(16).toUpperCase().padStart(4, '0')})`;
}

/** Replaces characters that end the line or have no width; the length stays the same. */
const printable = (text: string): string =>
  // Unicode property classes take milliseconds to compile.
  /^[ -~]*$/.test(text) ? text : text.replaceAll(/[\s\p{C}]/gu, ' ');

/** Returns text for messages: in one line, with single spaces. */
export const oneLine = (text: string): string => printable(text).replaceAll(/ +/g, ' ').trim();
