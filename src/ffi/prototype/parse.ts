/** Parses prototypes, from text or from an object. */

import { describeType, knownOptions, oneOf } from '../../core/validate.js';
import type { CType, PlatformTypes, Signature, ValueType } from '../../machine/c-types.js';
import { DeclarationParser, type Parameter } from './declaration-parser.js';
import { oneLine, TokenStream } from './tokens.js';
import { cLimits, type TypeContext } from './type-context.js';
import { typeExpected, UserTypeBase } from './user-type.js';

export interface ParsedPrototype extends Signature {
  /** The function's name, if the prototype has one. */
  readonly name: string | undefined;
  readonly args: readonly Parameter[];
}

/**
 * Parses a prototype.
 * @throws TypeError, RangeError that shows the position of the problem
 */
export function parsePrototype(prototype: unknown, platform: PlatformTypes): ParsedPrototype {
  if (typeof prototype === 'string') {
    const tokens = new TokenStream(prototype, 'prototype');
    const parsed = new DeclarationParser(tokens, { platform, pointers: 'bigint' }).parsePrototype();
    return { ...parsed, variadicFrom: undefined, text: oneLine(prototype) };
  }
  if (typeof prototype !== 'object' || prototype === null) {
    throw new TypeError(`prototype must be C text or an object, not ${describeType(prototype)}`);
  }
  return parseObject(prototype, platform);
}

function parseObject(prototype: object, platform: PlatformTypes): ParsedPrototype {
  // Each property is read once: a getter could return another value the next time.
  const properties = { ...knownOptions(prototype, 'prototype', ['result', 'args', 'variadic', 'pointers']) };
  const pointers = oneOf(properties.pointers, 'prototype.pointers', ['bigint', 'number']);
  const context = { platform, pointers };
  const result = parseResult(properties.result, context);
  const fixedArgs = parseList(properties.args, 'prototype.args', context);
  const isVariadic = properties.variadic !== undefined;
  const variadicArgs = isVariadic ? parseList(properties.variadic, 'prototype.variadic', context) : [];
  for (const [index, { type }] of variadicArgs.entries())
    assertPromoted(type, `prototype.variadic[${index}]`);

  const allArgs = [...fixedArgs, ...variadicArgs];
  if (allArgs.length > cLimits.parameters) {
    throw new RangeError(
      `prototype has ${allArgs.length} arguments; at most ${cLimits.parameters} are possible`,
    );
  }
  const argTexts = [...fixedArgs.map(({ text }) => text), ...(isVariadic ? ['...'] : [])];
  return {
    name: undefined,
    result: result.type,
    args: allArgs.map(({ text: _, ...parameter }) => parameter),
    variadicFrom: isVariadic ? fixedArgs.length : undefined,
    text: `${result.text} (${argTexts.join(', ') || 'void'})`,
  };
}

/** A type and its text in messages. */
interface WithText<Type extends CType = CType> {
  readonly type: Type;
  readonly text: string;
}

function parseResult(declaration: unknown, context: TypeContext): WithText {
  const subject = 'prototype.result';
  if (typeof declaration === 'string') {
    return {
      type: new DeclarationParser(new TokenStream(declaration, subject), context).parseResult(),
      text: oneLine(declaration),
    };
  }
  return resolveUserType(declaration, subject, context);
}

function parseList(
  declarations: unknown,
  subject: string,
  context: TypeContext,
): (Parameter & WithText<ValueType>)[] {
  if (!Array.isArray(declarations))
    throw new TypeError(`${subject} must be an array, not ${describeType(declarations)}`);
  const { length } = declarations;
  if (length > cLimits.parameters) {
    throw new RangeError(`${subject} has ${length} entries; at most ${cLimits.parameters} are possible`);
  }
  return Array.from({ length }, (_, index) =>
    parseArgument(declarations[index], `${subject}[${index}]`, context),
  );
}

function parseArgument(
  declaration: unknown,
  subject: string,
  context: TypeContext,
): Parameter & WithText<ValueType> {
  if (typeof declaration === 'string') {
    const parameter = new DeclarationParser(new TokenStream(declaration, subject), context).parseParameter();
    return { ...parameter, text: oneLine(declaration) };
  }
  return { ...resolveUserType(declaration, subject, context), name: undefined };
}

function resolveUserType(type: unknown, subject: string, context: TypeContext): WithText<ValueType> {
  if (!(type instanceof UserTypeBase)) throw typeExpected(type, subject);
  return { type: type.resolve(context), text: type.text };
}

/** The default argument promotions: C17, section 6.5.2.2, paragraph 6. */
function assertPromoted(type: ValueType, subject: string): void {
  const promotedType =
    type.kind === 'float' && type.size < 8
      ? 'double'
      : type.kind === 'integer' && type.size < 4
        ? 'int'
        : undefined;
  if (promotedType !== undefined) {
    throw new RangeError(`${subject} is passed as ${promotedType} for "...": write "${promotedType}"`);
  }
}
