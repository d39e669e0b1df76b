/** Types that are not text: structures and enumerations. */

import { describeType, integerInRange, plainObject } from '../../core/validate.js';
import {
  alignmentOf,
  type FieldType,
  type ScalarType,
  type StructField,
  type StructType,
  sizeOf,
} from '../../machine/c-types.js';
import { DeclarationParser } from './declaration-parser.js';
import { oneLine, quoteToken, TokenStream } from './tokens.js';
import { cLimits, type TypeContext, widestContext } from './type-context.js';
import { int32, isName, uint32 } from './type-names.js';
import type { ValidFields } from './types.js';

/** A type that {@link struct} or {@link enumeration} made. */
export abstract class UserType {
  /** Without it any object would fit what users see of this class: the rest is internal. It has no value. */
  declare protected readonly '~userType': true;
  /** How messages call it. @internal */
  abstract readonly text: string;
  /** How many structures are within each other. @internal */
  abstract readonly nestingDepth: number;
  /** @internal */
  abstract resolve(context: TypeContext): ScalarType | StructType;
}

/** Fields by name: C in text (`'double'`, `'const char *'`, `'int[4]'`), or a declared type. */
export type StructFields = Readonly<Record<string, string | UserType>>;

/** The whole numbers of an enumeration, by name. */
export type EnumerationValues = Readonly<Record<string, number>>;

/**
 * Declares a structure that is passed by value. In JavaScript it is an object with a property for each field,
 * and arrays in it are arrays. Fields are laid out as a C compiler does it; there are no bit-fields, unions
 * or packed structures.
 *
 * @example
 * ```ts
 * import { struct } from 'trampfd';
 *
 * const point = struct({ x: 'double', y: 'double' });
 * const label = struct({ at: point, text: 'char[16]' });
 * console.log(Object.keys(label.fields).join()); // at,text
 * ```
 * @throws TypeError, RangeError for fields that C cannot have
 */
export function struct<const Fields extends StructFields>(
  fields: Fields & ValidFields<Fields>,
): Struct<Fields> {
  return new Struct<Fields>(fields);
}

/**
 * Declares an enumeration. In JavaScript a value is a number, as in C, whether it has a name or not.
 *
 * @example
 * ```ts
 * import { enumeration } from 'trampfd';
 *
 * const visit = enumeration({ preorder: 0, postorder: 1, endorder: 2, leaf: 3 });
 * console.log(visit.values.leaf); // 3
 * ```
 * @throws TypeError, RangeError for values that are no `int` or `unsigned int`
 */
export function enumeration<const Values extends EnumerationValues>(values: Values): Enumeration<Values> {
  return new Enumeration<Values>(values);
}

/** A structure; made by {@link struct}. */
export class Struct<Fields extends StructFields = StructFields> extends UserType {
  /** What it was made with. */
  readonly fields: Fields;
  /** @internal */
  readonly text: string;
  /** @internal */
  readonly nestingDepth: number;

  /** @internal */
  constructor(fields: Fields) {
    super();
    const fieldEntries = memberEntries(fields, { subject: 'fields', typeKind: 'a structure' });
    const fieldDepths = fieldEntries.map(([, type]) => (type instanceof UserType ? type.nestingDepth : 0));
    this.nestingDepth = 1 + Math.max(...fieldDepths);
    if (this.nestingDepth > cLimits.structDepth) {
      throw new RangeError(
        `structures can be ${cLimits.structDepth} deep in each other, and this is one more`,
      );
    }
    this.fields = Object.freeze(Object.fromEntries(fieldEntries)) as Fields;
    // So that what is wrong is said here, and not where the structure is used.
    this.resolve(widestContext);
    this.text = `struct { ${fieldEntries.map(([name, type]) => `${fieldTypeText(type)} ${name}; `).join('')}}`;
  }

  /** Each field stands at the next multiple of its alignment: psABI, section 3.1.2. @internal */
  resolve(context: TypeContext): StructType {
    const fields: StructField[] = [];
    let end = 0;
    let alignment = 1;
    for (const [name, declaration] of Object.entries(this.fields)) {
      const type = resolveFieldType(declaration, { subject: `fields.${name}`, context });
      const offset = alignUp(end, alignmentOf(type));
      fields.push({ name, offset, type });
      end = offset + sizeOf(type);
      if (end > cLimits.structBytes) {
        throw new RangeError(`fields.${name} ends behind the ${cLimits.structBytes} bytes that are possible`);
      }
      alignment = Math.max(alignment, alignmentOf(type));
    }
    return { kind: 'struct', size: alignUp(end, alignment), alignment, fields };
  }
}

/** An enumeration; made by {@link enumeration}. */
export class Enumeration<Values extends EnumerationValues = EnumerationValues> extends UserType {
  /** What it was made with. */
  readonly values: Values;
  /** @internal */
  readonly text = 'enum';
  /** @internal */
  readonly nestingDepth = 0;
  readonly #type: typeof int32 | typeof uint32;

  /** @internal */
  constructor(values: Values) {
    super();
    const valueEntries = memberEntries(values, { subject: 'values', typeKind: 'an enumeration' });
    // GCC's choice of the type, which C leaves open: C17, section 6.7.2.2.
    this.#type = valueEntries.some(([, value]) => typeof value === 'number' && value < 0) ? int32 : uint32;
    const range = this.#type.signed ? { min: -(2 ** 31), max: 2 ** 31 - 1 } : { max: 2 ** 32 - 1 };
    for (const [name, value] of valueEntries) integerInRange(value, `values.${name}`, range);
    this.values = Object.freeze(Object.fromEntries(valueEntries)) as Values;
  }

  /** @internal */
  resolve(): ScalarType {
    return this.#type;
  }
}

/** The type of a field or of a field's elements, from text or as declared. */
function resolveFieldType(
  declaration: string | UserType,
  { subject, context }: { subject: string; context: TypeContext },
): FieldType {
  if (typeof declaration === 'string') {
    return new DeclarationParser(new TokenStream(declaration, subject), context).parseField();
  }
  if (declaration instanceof UserType) return declaration.resolve(context);
  throw typeExpected(declaration, subject);
}

/** What to say where a type had to be. */
export function typeExpected(value: unknown, subject: string): TypeError {
  return new TypeError(
    `${subject} must be a type in text, or one that struct or enumeration made, not ${describeType(value)}`,
  );
}

/** Own properties, each read once, with names that C could have as well. */
function memberEntries<Value>(
  members: Readonly<Record<string, Value>>,
  { subject, typeKind }: { subject: string; typeKind: string },
): readonly (readonly [name: string, value: Value])[] {
  const names = Object.keys(plainObject(members, subject));
  if (names.length === 0)
    throw new RangeError(`${subject} is empty, and ${typeKind} has at least one member`);
  if (names.length > cLimits.members) {
    throw new RangeError(`${subject} has ${names.length} members; at most ${cLimits.members} are possible`);
  }
  for (const name of names) {
    // Assigning to `__proto__` would not make a property.
    if (!isName(name) || name === '__proto__') {
      throw new RangeError(`${subject} has the name ${quoteToken(name)}, which no member can have`);
    }
  }
  return names.map((name) => [name, members[name]!]);
}

const fieldTypeText = (type: string | UserType): string =>
  typeof type === 'string' ? oneLine(type) : type instanceof Struct ? 'struct' : type.text;

const alignUp = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple;
