/** The words and signs of a declaration, each with its place, and errors that show the place. */

export interface Token {
  readonly text: string;
  /** Where it begins in the source, in UTF-16 units. */
  readonly at: number;
}

/** More than anybody declares; it bounds the work for a text that is no declaration. */
const longestText = 10_000;

/** What C calls white space, then a token. */
const token = /[ \t\n\v\f\r]*(\w+|\.\.\.|[*()[\]{},;]|$)/y;

/** Text, taken token by token. */
export class Tokens {
  readonly #text: string;
  readonly #subject: string;
  readonly #tokens: Token[] = [];
  #next = 0;

  /** @param subject what errors call the text */
  constructor(text: string, subject: string) {
    if (text.length > longestText) {
      throw new RangeError(`${subject} has ${text.length} characters; at most ${longestText} are read`);
    }
    this.#text = text;
    this.#subject = subject;
    token.lastIndex = 0;
    for (let at = 0; at < text.length; at = token.lastIndex) {
      const found = token.exec(text);
      if (found === null) {
        const strange = at + text.slice(at).search(/[^ \t\n\v\f\r]/);
        throw this.error(`no declaration has the character ${character(text, strange)}`, strange);
      }
      this.#tokens.push({ text: found[1]!, at: token.lastIndex - found[1]!.length });
    }
    if (this.#tokens.at(-1)?.text !== '') this.#tokens.push({ text: '', at: text.length });
  }

  /** The next token, or one further on. The last one is empty, and stays. */
  peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#next + ahead, this.#tokens.length - 1)]!;
  }

  take(): Token {
    const taken = this.peek();
    if (taken.text !== '') this.#next++;
    return taken;
  }

  /** Takes the next token if it is this one. */
  takeIf(text: string): boolean {
    const is = this.peek().text === text;
    if (is) this.#next++;
    return is;
  }

  expect(text: string): void {
    if (!this.takeIf(text)) throw this.error(`${show(text)} is expected here, not ${show(this.peek().text)}`);
  }

  /** An error about a place in the text, which it shows; the next token's unless another is given. */
  error(problem: string, at = this.peek().at): RangeError {
    const around = 40;
    const from = Math.max(0, at - around);
    const before = `${from > 0 ? '… ' : ''}${printable(this.#text.slice(from, at))}`;
    const behind = printable(this.#text.slice(at, at + around));
    const more = at + around < this.#text.length ? ' …' : '';
    return new RangeError(
      `${this.#subject}: ${problem}\n  ${before}${behind}${more}\n  ${' '.repeat(before.length)}^`,
    );
  }
}

/** How errors call a token. */
export const show = (text: string): string =>
  text === '' ? 'the end' : JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);

export const isWord = (text: string): boolean => /^[A-Za-z_]\w*$/.test(text);

function character(text: string, at: number): string {
  const code = text.codePointAt(at)!;
  return `${show(String.fromCodePoint(code))} (U+${code.toString(16).toUpperCase().padStart(4, '0')})`;
}

/** As long as before, with nothing in it that ends the line or has no width. */
const printable = (text: string): string =>
  // Unicode's classes take milliseconds to compile.
  /^[ -~]*$/.test(text) ? text : text.replaceAll(/[\s\p{C}]/gu, ' ');

/** For messages, with single spaces. */
export const oneLine = (text: string): string => printable(text).replaceAll(/ +/g, ' ').trim();
