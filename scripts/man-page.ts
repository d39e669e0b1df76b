/**
 * Turns a manual page in Markdown into roff, the language of `man`, with the macros of man(7).
 *
 * The page's first heading is its name and section, `# open(2)`, and a comment below it the date. A list item whose
 * first paragraph is nothing but code is a tagged paragraph, as manual pages list errors. What is not known here is
 * refused: it would be lost.
 */
import { lexer, type Token, type Tokens } from 'marked';

/** @param source the package and its version: `trampfd 1.0.0` */
export function manPage(markdown: string, source: string): string {
  const [title, date, ...body] = lexer(markdown).filter(({ type }) => type !== 'space');
  const [, name, section] = /^(\S+)\((\d)\)$/.exec(title?.type === 'heading' ? title['text'] : '') ?? [];
  const [, day] = /^<!-- (\d{4}-\d\d-\d\d) -->/.exec(date?.raw ?? '') ?? [];
  if (name === undefined || day === undefined)
    throw new Error('a manual page begins with name(section) and date');
  const lines = [
    `.TH ${name} ${section} ${day} "${source}"`,
    ...body.flatMap((token, i) => block(token, body[i - 1])),
  ];
  return `${lines.join('\n')}\n`;
}

function block(token: Token, before: Token | undefined): string[] {
  switch (token.type) {
    case 'heading':
      return [`${token['depth'] <= 2 ? '.SH' : '.SS'} ${inline(token['tokens'])}`];
    case 'paragraph':
      // man(7) begins a paragraph after a heading by itself.
      return [...(before?.type === 'heading' ? [] : ['.P']), inline(token['tokens'])];
    case 'code': {
      const lines = ['.EX', verbatim(token['text']), '.EE'];
      // Code at the start of a section is its synopsis, which is not indented.
      if (before?.type === 'heading' && before['depth'] === 2) return lines;
      return [...(before?.type === 'heading' ? [] : ['.P']), '.in +4n', ...lines, '.in'];
    }
    case 'list':
      return (token as Tokens.List).items.flatMap(({ tokens }) =>
        item(tokens.filter(({ type }) => type !== 'space')),
      );
    default:
      throw new Error(`a manual page has no ${token.type}: ${token.raw}`);
  }
}

function item([first, ...rest]: Token[]): string[] {
  const start = paragraph(first!);
  const tagged =
    rest.length > 0 && (first as Tokens.Paragraph).tokens.every(({ type }) => type === 'codespan');
  if (!tagged) return ['.IP \\(bu 2', start, ...rest.flatMap((token) => ['.IP', paragraph(token)])];
  return ['.TP', start, ...rest.flatMap((token, i) => [...(i === 0 ? [] : ['.IP']), paragraph(token)])];
}

/** Converts the text of a list item, which must not contain other blocks. */
function paragraph(token: Token): string {
  if (token.type !== 'paragraph' && token.type !== 'text')
    throw new Error(`an item in a manual page has no ${token.type}: ${token.raw}`);
  return inline((token as Tokens.Paragraph).tokens);
}

function inline(tokens: readonly Token[] = []): string {
  const text = tokens.map((token): string => {
    switch (token.type) {
      case 'text':
      case 'escape':
        return printable(token['text']).replaceAll(/(?<!\w)-|-(?!\w)/g, '\\-');
      case 'codespan':
        return `\\fB${literal(token['text'])}\\fR`;
      case 'strong':
        return `\\fB${inline(token['tokens'])}\\fR`;
      case 'em':
        return `\\fI${inline(token['tokens'])}\\fR`;
      default:
        throw new Error(`a manual page has no ${token.type}: ${token.raw}`);
    }
  });
  return text.join('').replaceAll(/^(?=[.'])/gm, '\\&');
}

function verbatim(text: string): string {
  return literal(text).replaceAll(/^(?=[.'])/gm, '\\&');
}

const typed: Readonly<Record<string, string>> = {
  '-': '\\-',
  "'": '\\(aq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
};

/** Escapes characters that roff replaces by typographic ones; see groff_char(7). */
function literal(text: string): string {
  return printable(text).replaceAll(/[-'`^~]/g, (character) => typed[character]!);
}

/** Escapes roff commands, and all characters that are not ASCII. */
function printable(text: string): string {
  return text.replaceAll('\\', '\\e').replaceAll(/[^\n -~]/gu, (character) => {
    const code = character.codePointAt(0)!.toString(16).toUpperCase();
    return `\\[u${code.padStart(4, '0')}]`;
  });
}
