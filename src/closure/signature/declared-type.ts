/** Types that are not text: structures and enumerations. */
import {
  alignmentOf,
  type FieldType,
  type ScalarType,
  type StructField,
  type StructType,
  sizeOf,
} from '../../abi/c-types.js';
import { integer, kind, record } from '../../trampoline/values.js';
import { DeclarationParser } from './declarations.js';
import { cLimits, largest, type Meaning } from './meaning.js';
import { int32, isName, uint32 } from './names.js';
import { oneLine, show, Tokens } from './tokens.js';
import type { CheckedFields } from './types.js';

/** A type that {@link struct} or {@link enumeration} made. */
export abstract class DeclaredType {
  /** How messages call it. @internal */
  abstract readonly text: string;
  /** How many structures are within each other. @internal */
  abstract readonly nesting: number;
  /** @internal */
  abstract resolve(meaning: Meaning): ScalarType | StructType;
}

/** Fields by name: C in text (`'double'`, `'const char *'`, `'int[4]'`), or a declared type. */
export type StructFields = Readonly<Record<string, string | DeclaredType>>;

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
  fields: Fields & CheckedFields<Fields>,
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
export class Struct<Fields extends StructFields = StructFields> extends DeclaredType {
  /** What it was made with. */
  readonly fields: Fields;
  /** @internal */
  readonly text: string;
  /** @internal */
  readonly nesting: number;

  /** @internal */
  constructor(fields: Fields) {
    super();
    const given = entries(fields, { subject: 'fields', what: 'a structure' });
    const inside = given.map(([, type]) => (type instanceof DeclaredType ? type.nesting : 0));
    this.nesting = 1 + Math.max(...inside);
    if (this.nesting > cLimits.nesting) {
      throw new RangeError(`structures can be ${cLimits.nesting} deep in each other, and this is one more`);
    }
    this.fields = Object.freeze(Object.fromEntries(given)) as Fields;
    // So that what is wrong is said here, and not where the structure is used.
    this.resolve(largest);
    this.text = `struct { ${given.map(([name, type]) => `${shortText(type)} ${name}; `).join('')}}`;
  }

  /** Each field stands at the next multiple of its alignment: psABI, section 3.1.2. @internal */
  resolve(meaning: Meaning): StructType {
    const fields: StructField[] = [];
    let end = 0;
    let alignment = 1;
    for (const [name, declared] of Object.entries(this.fields)) {
      const type = fieldType(declared, { subject: `fields.${name}`, meaning });
      const offset = roundUp(end, alignmentOf(type));
      fields.push({ name, offset, type });
      end = offset + sizeOf(type);
      if (end > cLimits.size) {
        throw new RangeError(`fields.${name} ends behind the ${cLimits.size} bytes that are possible`);
      }
      alignment = Math.max(alignment, alignmentOf(type));
    }
    return { kind: 'struct', size: roundUp(end, alignment), alignment, fields };
  }
}

/** An enumeration; made by {@link enumeration}. */
export class Enumeration<Values extends EnumerationValues = EnumerationValues> extends DeclaredType {
  /** What it was made with. */
  readonly values: Values;
  /** @internal */
  readonly text = 'enum';
  /** @internal */
  readonly nesting = 0;
  readonly #type: typeof int32 | typeof uint32;

  /** @internal */
  constructor(values: Values) {
    super();
    const given = entries(values, { subject: 'values', what: 'an enumeration' });
    // GCC's choice of the type, which C leaves open: C17, section 6.7.2.2.
    this.#type = given.some(([, value]) => typeof value === 'number' && value < 0) ? int32 : uint32;
    const range = this.#type.signed ? { from: -(2 ** 31), to: 2 ** 31 - 1 } : { to: 2 ** 32 - 1 };
    for (const [name, value] of given) integer(value, `values.${name}`, range);
    this.values = Object.freeze(Object.fromEntries(given)) as Values;
  }

  /** @internal */
  resolve(): ScalarType {
    return this.#type;
  }
}

/** The type of a field or of a field's elements, from text or as declared. */
function fieldType(
  declared: string | DeclaredType,
  { subject, meaning }: { subject: string; meaning: Meaning },
): FieldType {
  if (typeof declared === 'string') {
    return new DeclarationParser(new Tokens(declared, subject), meaning).field();
  }
  if (declared instanceof DeclaredType) return declared.resolve(meaning);
  throw notDeclared(declared, subject);
}

/** What to say where a type had to be. */
export function notDeclared(value: unknown, subject: string): TypeError {
  return new TypeError(
    `${subject} must be a type in text, or one that struct or enumeration made, not ${kind(value)}`,
  );
}

/** Own properties, each read once, with names that C could have as well. */
function entries<Value>(
  given: Readonly<Record<string, Value>>,
  { subject, what }: { subject: string; what: string },
): readonly (readonly [name: string, value: Value])[] {
  const names = Object.keys(record(given, subject));
  if (names.length === 0) throw new RangeError(`${subject} is empty, and ${what} has at least one member`);
  if (names.length > cLimits.members) {
    throw new RangeError(`${subject} has ${names.length} members; at most ${cLimits.members} are possible`);
  }
  for (const name of names) {
    // Assigning to `__proto__` would not make a property.
    if (!isName(name) || name === '__proto__') {
      throw new RangeError(`${subject} has the name ${show(name)}, which no member can have`);
    }
  }
  return names.map((name) => [name, given[name]!]);
}

const shortText = (type: string | DeclaredType): string =>
  typeof type === 'string' ? oneLine(type) : type instanceof Struct ? 'struct' : type.text;

const roundUp = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple;
