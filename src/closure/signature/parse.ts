/** Signatures, from text or from an object. */
import type { CPlatform, CType, Signature, ValueType } from '../../abi/c-types.js';
import { kind, oneOf, options } from '../../trampoline/values.js';
import { DeclarationParser, type Parameter } from './declarations.js';
import { DeclaredType, notDeclared } from './declared-type.js';
import { cLimits, type Meaning } from './meaning.js';
import { oneLine, Tokens } from './tokens.js';

/**
 * What a C function takes and returns. The text is a prototype (`'int puts(const char *)'`; names are
 * optional); the object can say more.
 */
export type SignatureLike = string | SignatureObject;

/** A signature as an object: for structures, enumerations, lists and pointers as numbers, which text cannot say. */
export interface SignatureObject {
  /** A type in text, `'void'` among them; a structure or an enumeration. */
  readonly result: string | DeclaredType;
  /** Types in text, with names if one likes, as in a prototype; structures and enumerations. */
  readonly args: readonly (string | DeclaredType)[];
  /** The types that `...` stands for in this call. They are promoted ones, as C passes them: no `float`, no `short`. */
  readonly variadic?: readonly (string | DeclaredType)[];
  /** What pointers are in JavaScript. Numbers are faster; no address of a process has more than 2^53. Default `'bigint'`. */
  readonly pointers?: 'bigint' | 'number';
}

/**
 * Reads a signature.
 * @throws TypeError, RangeError with the place of what is wrong
 */
export function parseSignature(given: unknown, platform: CPlatform): Signature {
  if (typeof given === 'string') {
    const tokens = new Tokens(given, 'signature');
    const prototype = new DeclarationParser(tokens, { platform, pointers: 'bigint' }).prototype();
    return { ...prototype, variadicFrom: undefined, text: oneLine(given) };
  }
  if (typeof given !== 'object' || given === null) {
    throw new TypeError(`signature must be a C prototype in text or an object, not ${kind(given)}`);
  }
  return fromObject(given, platform);
}

function fromObject(object: object, platform: CPlatform): Signature {
  // Each property is read once: a getter could answer differently the next time.
  const given = { ...options(object, 'signature', ['result', 'args', 'variadic', 'pointers']) };
  const pointers = oneOf(given.pointers, 'signature.pointers', ['bigint', 'number']);
  const meaning = { platform, pointers };
  const result = resultType(given.result, meaning);
  const fixed = list(given.args, 'signature.args', meaning);
  const isVariadic = given.variadic !== undefined;
  const variadic = isVariadic ? list(given.variadic, 'signature.variadic', meaning) : [];
  for (const [index, { type }] of variadic.entries()) checkPromoted(type, `signature.variadic[${index}]`);

  const all = [...fixed, ...variadic];
  if (all.length > cLimits.parameters) {
    throw new RangeError(`signature has ${all.length} arguments; at most ${cLimits.parameters} are possible`);
  }
  const shown = [...fixed.map(({ text }) => text), ...(isVariadic ? ['...'] : [])];
  return {
    result: result.type,
    args: all.map(({ name, type }) => ({ name, type })),
    variadicFrom: isVariadic ? fixed.length : undefined,
    text: `${result.text} (${shown.join(', ') || 'void'})`,
  };
}

/** A type with what messages call it. */
interface Described<Type extends CType = CType> {
  readonly type: Type;
  readonly text: string;
}

function resultType(given: unknown, meaning: Meaning): Described {
  const subject = 'signature.result';
  if (typeof given === 'string') {
    return {
      type: new DeclarationParser(new Tokens(given, subject), meaning).result(),
      text: oneLine(given),
    };
  }
  return declaredType(given, subject, meaning);
}

function list(given: unknown, subject: string, meaning: Meaning): (Parameter & Described<ValueType>)[] {
  if (!Array.isArray(given)) throw new TypeError(`${subject} must be an array, not ${kind(given)}`);
  const { length } = given;
  if (length > cLimits.parameters) {
    throw new RangeError(`${subject} has ${length} entries; at most ${cLimits.parameters} are possible`);
  }
  return Array.from({ length }, (_, index) => argument(given[index], `${subject}[${index}]`, meaning));
}

function argument(given: unknown, subject: string, meaning: Meaning): Parameter & Described<ValueType> {
  if (typeof given === 'string') {
    const parameter = new DeclarationParser(new Tokens(given, subject), meaning).parameter();
    return { ...parameter, text: oneLine(given) };
  }
  return { ...declaredType(given, subject, meaning), name: undefined };
}

function declaredType(given: unknown, subject: string, meaning: Meaning): Described<ValueType> {
  if (!(given instanceof DeclaredType)) throw notDeclared(given, subject);
  return { type: given.resolve(meaning), text: given.text };
}

/** The default argument promotions: C17, section 6.5.2.2, paragraph 6. */
function checkPromoted(type: ValueType, subject: string): void {
  const becomes =
    type.kind === 'float' && type.size < 8
      ? 'double'
      : type.kind === 'integer' && type.size < 4
        ? 'int'
        : undefined;
  if (becomes !== undefined) {
    throw new RangeError(`${subject} is passed as ${becomes} where "..." stands: write "${becomes}"`);
  }
}
