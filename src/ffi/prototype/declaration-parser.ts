/**
 * Recursive-descent parser for C declarations: C17, section 6.7.6. `infer-declarations.ts` implements the same grammar in
 * TypeScript's types; both must accept the same texts.
 *
 *     prototype    = specifiers stars [ name | '(' '*' stars [ name ] ')' ] '(' parameters ')' [ ';' ]
 *     parameters   = [ 'void' | parameter { ',' parameter } [ ',' '...' ] ]
 *     parameter    = specifiers declarator
 *     declarator   = stars [ name | '(' declarator ')' ] { '[' … ']' | '(' parameters ')' }
 *     stars        = { '*' | qualifier }
 *     result       = specifiers stars
 *     field        = specifiers stars { '[' number ']' }
 *
 * The target type of a pointer does not matter here, so a declarator is reduced to its pointer depth: the number of steps
 * from the declared type to the specified one. A star is one step; an array, which becomes a pointer, is one; a function is
 * two, since it becomes a pointer to a function.
 */
import type { CType, FieldType, ValueType } from '../../machine/c-types.js';
import { acceptQualifiers, type DeclSpecifiers, parseSpecifiers } from './specifiers.js';
import { quoteToken, type TokenStream } from './tokens.js';
import { cLimits, type TypeContext } from './type-context.js';
import { isName, isSpecifier } from './type-names.js';

export interface Parameter {
  readonly name: string | undefined;
  readonly type: ValueType;
  /** Whether the type contains that of a function. */
  readonly isFunctionPointer?: boolean;
}

interface Declarator {
  readonly pointerDepth: number;
  readonly name: string | undefined;
  readonly isFunction: boolean;
}

/** Parses one declaration, which must be the whole text. */
export class DeclarationParser {
  readonly #tokens: TokenStream;
  readonly #context: TypeContext;
  #parenthesisDepth = 0;

  constructor(tokens: TokenStream, context: TypeContext) {
    this.#tokens = tokens;
    this.#context = context;
  }

  parsePrototype(): {
    readonly name: string | undefined;
    readonly result: CType;
    readonly args: readonly Parameter[];
  } {
    const result = this.#parseResultType();
    const name = this.#parseFunctionName();
    this.#tokens.expect('(');
    const args = this.#parseParameters();
    this.#tokens.accept(';');
    this.#tokens.expect('');
    return { name, result, args };
  }

  parseResult(): CType {
    const type = this.#parseResultType();
    this.#tokens.expect('');
    return type;
  }

  parseParameter(): Parameter {
    const parameter = this.#parseParameter();
    this.#tokens.expect('');
    return parameter;
  }

  parseField(): FieldType {
    const type = this.#typeFrom(this.#parseSpecifiers(), this.#parseStars());
    const lengths: number[] = [];
    while (this.#tokens.peek().text === '[') {
      if (lengths.length === cLimits.dimensions) {
        throw this.#tokens.error(`an array has at most ${cLimits.dimensions} dimensions`);
      }
      lengths.push(this.#parseArrayLength());
    }
    this.#tokens.expect('');
    return lengths.reduceRight<FieldType>((element, length) => ({ kind: 'array', element, length }), type);
  }

  #parseSpecifiers(): DeclSpecifiers {
    return parseSpecifiers(this.#tokens, this.#context);
  }

  #parseStars(): number {
    acceptQualifiers(this.#tokens);
    let stars = 0;
    for (; this.#tokens.accept('*'); acceptQualifiers(this.#tokens)) stars++;
    return stars;
  }

  /** Parses the optional name of a function or of a pointer to one. The parameters begin with a parenthesis, too. */
  #parseFunctionName(): string | undefined {
    if (this.#tokens.peek().text !== '(' || this.#tokens.peek(1).text !== '*') return this.#acceptName();
    this.#tokens.expect('(');
    this.#parseStars();
    const name = this.#acceptName();
    this.#tokens.expect(')');
    return name;
  }

  #acceptName(): string | undefined {
    return isName(this.#tokens.peek().text) ? this.#tokens.next().text : undefined;
  }

  /** Parses parameters and the closing parenthesis; the opening one has been accepted. */
  #parseParameters(): readonly Parameter[] {
    const parameters: Parameter[] = [];
    if (this.#tokens.peek().text === 'void' && this.#tokens.peek(1).text === ')') this.#tokens.next();
    if (this.#tokens.accept(')')) return parameters;
    do {
      if (this.#tokens.peek().text === '...') {
        this.#parseEllipsis();
        break;
      }
      if (parameters.length === cLimits.parameters) {
        throw this.#tokens.error(`a function has at most ${cLimits.parameters} parameters`);
      }
      parameters.push(this.#parseParameter());
    } while (this.#tokens.accept(','));
    this.#tokens.expect(')');
    return parameters;
  }

  /** Rejects an ellipsis, except in a parameter that is a function: its arguments do not matter. */
  #parseEllipsis(): void {
    if (this.#parenthesisDepth === 0) {
      throw this.#tokens.error('list the types of "..." in the object form: { result, args, variadic }');
    }
    this.#tokens.next();
  }

  #parseParameter(): Parameter {
    const specifiers = this.#parseSpecifiers();
    const { pointerDepth, name, isFunction } = this.#parseDeclarator();
    const type = this.#typeFrom(specifiers, pointerDepth);
    return isFunction ? { name, type, isFunctionPointer: true } : { name, type };
  }

  #parseDeclarator(): Declarator {
    let pointerDepth = this.#parseStars();
    let name: string | undefined;
    let isFunction = false;
    if (this.#declaratorFollows()) {
      this.#tokens.expect('(');
      const inner = this.#parseNested(() => this.#parseDeclarator());
      this.#tokens.expect(')');
      pointerDepth += inner.pointerDepth;
      ({ name, isFunction } = inner);
    } else {
      name = this.#acceptName();
    }
    for (;;) {
      if (this.#tokens.accept('[')) {
        this.#skipArrayLength();
        pointerDepth += 1;
      } else if (this.#tokens.accept('(')) {
        this.#parseNested(() => this.#parseParameters());
        pointerDepth += 2;
        isFunction = true;
      } else {
        return { pointerDepth, name, isFunction };
      }
    }
  }

  /** Returns whether a parenthesis begins a declarator, not parameters: C17, section 6.7.6.3, paragraph 11. */
  #declaratorFollows(): boolean {
    const nextText = this.#tokens.peek(1).text;
    return (
      this.#tokens.peek().text === '(' &&
      (nextText === '*' || nextText === '(' || (isName(nextText) && !isSpecifier(nextText)))
    );
  }

  #parseNested<Parsed>(parse: () => Parsed): Parsed {
    if (this.#parenthesisDepth === cLimits.parenthesisDepth) {
      throw this.#tokens.error(`parentheses can be nested at most ${cLimits.parenthesisDepth} deep`);
    }
    this.#parenthesisDepth++;
    const parsed = parse();
    this.#parenthesisDepth--;
    return parsed;
  }

  /** The length of an array has no meaning in a parameter. */
  #skipArrayLength(): void {
    while (/^(\w+|\*)$/.test(this.#tokens.peek().text)) this.#tokens.next();
    this.#tokens.expect(']');
  }

  #parseArrayLength(): number {
    this.#tokens.expect('[');
    const { text } = this.#tokens.peek();
    if (!/^[1-9]\d*$/.test(text)) {
      throw this.#tokens.error(`expected the number of elements, not ${quoteToken(text)}`);
    }
    this.#tokens.next();
    this.#tokens.expect(']');
    return Number(text);
  }

  #parseResultType(): CType {
    const specifiers = this.#parseSpecifiers();
    const stars = this.#parseStars();
    if (stars === 0 && specifiers.type?.kind === 'void') return specifiers.type;
    return this.#typeFrom(specifiers, stars);
  }

  #typeFrom({ type, isConstChar, text, offset }: DeclSpecifiers, pointerDepth: number): ValueType {
    if (pointerDepth === 1 && isConstChar) return { kind: 'string' };
    if (pointerDepth > 0) return { kind: 'pointer', js: this.#context.pointers };
    if (type === undefined) {
      const hint = text.startsWith('struct') ? '; pass struct({ … }) in the object form' : '';
      throw this.#tokens.error(`${quoteToken(text)} can only be pointed to${hint}`, offset);
    }
    if (type.kind === 'void') throw this.#tokens.error('the type "void" is not allowed here', offset);
    return type;
  }
}
