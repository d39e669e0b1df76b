/**
 * C's declarations, by recursive descent: C17, section 6.7.6. `infer-declarations.ts` is the same for the
 * compiler; what one of them takes, the other has to take.
 *
 *     prototype    = specifiers stars [ name | '(' '*' stars [ name ] ')' ] '(' parameters ')' [ ';' ]
 *     parameters   = [ 'void' | parameter { ',' parameter } [ ',' '...' ] ]
 *     parameter    = specifiers declarator
 *     declarator   = stars [ name | '(' declarator ')' ] { '[' … ']' | '(' parameters ')' }
 *     stars        = { '*' | qualifier }
 *     result       = specifiers stars
 *     field        = specifiers stars { '[' number ']' }
 *
 * What a parameter points to does not matter here, so a declarator is only counted: how many steps it is from
 * what the specifiers say. A star is one; an array, which becomes a pointer, is one; a function is two, since
 * it becomes a pointer to a function.
 */
import type { CType, FieldType, ValueType } from '../../abi/c-types.js';
import { cLimits, type Meaning } from './meaning.js';
import { isName, isSpecifier } from './names.js';
import { type Specified, takeQualifiers, takeSpecifiers } from './specifiers.js';
import { show, type Tokens } from './tokens.js';

export interface Parameter {
  readonly name: string | undefined;
  readonly type: ValueType;
}

interface Declarator {
  readonly steps: number;
  readonly name: string | undefined;
}

/** Reads one declaration, which has to be the whole text. */
export class DeclarationParser {
  readonly #tokens: Tokens;
  readonly #meaning: Meaning;
  #openParentheses = 0;

  constructor(tokens: Tokens, meaning: Meaning) {
    this.#tokens = tokens;
    this.#meaning = meaning;
  }

  prototype(): { readonly result: CType; readonly args: readonly Parameter[] } {
    const result = this.#resultType();
    this.#functionName();
    this.#tokens.expect('(');
    const args = this.#parameters();
    this.#tokens.takeIf(';');
    this.#tokens.expect('');
    return { result, args };
  }

  result(): CType {
    const type = this.#resultType();
    this.#tokens.expect('');
    return type;
  }

  parameter(): Parameter {
    const parameter = this.#parameter();
    this.#tokens.expect('');
    return parameter;
  }

  field(): FieldType {
    const type = this.#value(this.#specifiers(), this.#stars());
    const lengths: number[] = [];
    while (this.#tokens.peek().text === '[') {
      if (lengths.length === cLimits.dimensions) {
        throw this.#tokens.error(`an array has at most ${cLimits.dimensions} dimensions`);
      }
      lengths.push(this.#length());
    }
    this.#tokens.expect('');
    return lengths.reduceRight<FieldType>((element, length) => ({ kind: 'array', element, length }), type);
  }

  #specifiers(): Specified {
    return takeSpecifiers(this.#tokens, this.#meaning);
  }

  #stars(): number {
    takeQualifiers(this.#tokens);
    let stars = 0;
    for (; this.#tokens.takeIf('*'); takeQualifiers(this.#tokens)) stars++;
    return stars;
  }

  /** What is behind it begins with a parenthesis, too. */
  #functionName(): void {
    if (this.#tokens.peek().text === '(' && this.#tokens.peek(1).text === '*') {
      this.#tokens.expect('(');
      this.#stars();
      this.#name();
      this.#tokens.expect(')');
    } else {
      this.#name();
    }
  }

  #name(): string | undefined {
    return isName(this.#tokens.peek().text) ? this.#tokens.take().text : undefined;
  }

  /** Behind the opening parenthesis, up to and with the closing one. */
  #parameters(): readonly Parameter[] {
    const parameters: Parameter[] = [];
    if (this.#tokens.peek().text === 'void' && this.#tokens.peek(1).text === ')') this.#tokens.take();
    if (this.#tokens.takeIf(')')) return parameters;
    do {
      if (this.#tokens.peek().text === '...') {
        this.#ellipsis();
        break;
      }
      if (parameters.length === cLimits.parameters) {
        throw this.#tokens.error(`a function has at most ${cLimits.parameters} parameters`);
      }
      parameters.push(this.#parameter());
    } while (this.#tokens.takeIf(','));
    this.#tokens.expect(')');
    return parameters;
  }

  /** Of a function that is only pointed to, nobody needs to know what it stands for. */
  #ellipsis(): void {
    if (this.#openParentheses === 0) {
      throw this.#tokens.error('the types that "..." stands for are given as { result, args, variadic }');
    }
    this.#tokens.take();
  }

  #parameter(): Parameter {
    const specified = this.#specifiers();
    const { steps, name } = this.#declarator();
    return { name, type: this.#value(specified, steps) };
  }

  #declarator(): Declarator {
    let steps = this.#stars();
    let name: string | undefined;
    if (this.#declaratorFollows()) {
      this.#tokens.expect('(');
      const inner = this.#inParentheses(() => this.#declarator());
      this.#tokens.expect(')');
      steps += inner.steps;
      name = inner.name;
    } else {
      name = this.#name();
    }
    for (;;) {
      if (this.#tokens.takeIf('[')) {
        this.#skipLength();
        steps += 1;
      } else if (this.#tokens.takeIf('(')) {
        this.#inParentheses(() => this.#parameters());
        steps += 2;
      } else {
        return { steps, name };
      }
    }
  }

  /** Whether what a parenthesis opens is a declarator and not parameters: C17, section 6.7.6.3, paragraph 11. */
  #declaratorFollows(): boolean {
    const inside = this.#tokens.peek(1).text;
    return (
      this.#tokens.peek().text === '(' &&
      (inside === '*' || inside === '(' || (isName(inside) && !isSpecifier(inside)))
    );
  }

  #inParentheses<Inside>(read: () => Inside): Inside {
    if (this.#openParentheses === cLimits.parentheses) {
      throw this.#tokens.error(`at most ${cLimits.parentheses} parentheses are read within each other`);
    }
    this.#openParentheses++;
    const inside = read();
    this.#openParentheses--;
    return inside;
  }

  /** What stands between brackets means nothing for a parameter. */
  #skipLength(): void {
    while (/^(\w+|\*)$/.test(this.#tokens.peek().text)) this.#tokens.take();
    this.#tokens.expect(']');
  }

  #length(): number {
    this.#tokens.expect('[');
    const { text } = this.#tokens.peek();
    if (!/^[1-9]\d*$/.test(text)) {
      throw this.#tokens.error(`the number of elements is expected here, not ${show(text)}`);
    }
    this.#tokens.take();
    this.#tokens.expect(']');
    return Number(text);
  }

  #resultType(): CType {
    const specified = this.#specifiers();
    const stars = this.#stars();
    if (stars === 0 && specified.type?.kind === 'void') return specified.type;
    return this.#value(specified, stars);
  }

  #value({ type, isConstChar, text, at }: Specified, steps: number): ValueType {
    if (steps === 1 && isConstChar) return { kind: 'string' };
    if (steps > 0) return { kind: 'pointer', js: this.#meaning.pointers };
    if (type === undefined) {
      const hint = text.startsWith('struct') ? '; give struct({ … }) in the object form' : '';
      throw this.#tokens.error(`${show(text)} can only be pointed to${hint}`, at);
    }
    if (type.kind === 'void') throw this.#tokens.error('nothing can have the type "void" here', at);
    return type;
  }
}
