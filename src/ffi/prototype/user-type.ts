/** Types that are not C text: structures and enumerations. */

import { alignUp } from '../../core/bits.js';
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

/** A type created by `struct` or `enumeration`. The key is a string, so that all copies of these declarations agree. */
export interface UserType {
  readonly '~type': 'struct' | 'enumeration';
}

/** A structure, created by `struct`. */
export interface Struct<Fields extends StructFields = StructFields> extends UserType {
  readonly '~type': 'struct';
  /** The fields it was created with. */
  readonly fields: Fields;
}

/** An enumeration, created by `enumeration`. */
export interface Enumeration<Values extends EnumerationValues = EnumerationValues> extends UserType {
  readonly '~type': 'enumeration';
  /** The values it was created with. */
  readonly values: Values;
}

/** Field types by name: C text (`'double'`, `'const char *'`, `'int[4]'`), or a type created by `struct` or `enumeration`. */
export type StructFields = Readonly<Record<string, string | UserType>>;

/** The integers of an enumeration, by name. */
export type EnumerationValues = Readonly<Record<string, number>>;

export abstract class UserTypeBase implements UserType {
  abstract get '~type'(): UserType['~type'];
  /** The type in error messages. */
  abstract readonly text: string;
  /** Levels of nested structures. */
  abstract readonly nestingDepth: number;
  abstract resolve(context: TypeContext): ScalarType | StructType;
}

export class StructDeclaration<Fields extends StructFields> extends UserTypeBase implements Struct<Fields> {
  readonly fields: Fields;
  readonly text: string;
  readonly nestingDepth: number;

  constructor(fields: Fields) {
    super();
    const fieldEntries = memberEntries(fields, { subject: 'fields', typeKind: 'a structure' });
    const fieldDepths = fieldEntries.map(([, type]) =>
      type instanceof UserTypeBase ? type.nestingDepth : 0,
    );
    this.nestingDepth = 1 + Math.max(...fieldDepths);
    if (this.nestingDepth > cLimits.structDepth) {
      throw new RangeError(
        `fields nests structures more deeply than the ${cLimits.structDepth} levels that are possible`,
      );
    }
    this.fields = Object.freeze(Object.fromEntries(fieldEntries)) as Fields;
    // Reports errors here instead of at the first use of the structure.
    this.resolve(widestContext);
    this.text = `struct { ${fieldEntries.map(([name, type]) => `${fieldTypeText(type)} ${name}; `).join('')}}`;
  }

  get '~type'(): 'struct' {
    return 'struct';
  }

  /** Places each field at the next multiple of its alignment: psABI, section 3.1.2. */
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
        throw new RangeError(`fields.${name} ends after the ${cLimits.structBytes} bytes that are possible`);
      }
      alignment = Math.max(alignment, alignmentOf(type));
    }
    return { kind: 'struct', size: alignUp(end, alignment), alignment, fields };
  }
}

export class EnumerationDeclaration<Values extends EnumerationValues>
  extends UserTypeBase
  implements Enumeration<Values>
{
  readonly values: Values;
  readonly text = 'enum';
  readonly nestingDepth = 0;
  readonly #type: typeof int32 | typeof uint32;

  constructor(values: Values) {
    super();
    const valueEntries = memberEntries(values, { subject: 'values', typeKind: 'an enumeration' });
    // The type is implementation-defined (C17, section 6.7.2.2); this is GCC's choice.
    this.#type = valueEntries.some(([, value]) => typeof value === 'number' && value < 0) ? int32 : uint32;
    const range = this.#type.signed ? { min: -(2 ** 31), max: 2 ** 31 - 1 } : { max: 2 ** 32 - 1 };
    for (const [name, value] of valueEntries) integerInRange(value, `values.${name}`, range);
    this.values = Object.freeze(Object.fromEntries(valueEntries)) as Values;
  }

  get '~type'(): 'enumeration' {
    return 'enumeration';
  }

  resolve(): ScalarType {
    return this.#type;
  }
}

/** Returns the type of a field. */
function resolveFieldType(
  declaration: string | UserType,
  { subject, context }: { subject: string; context: TypeContext },
): FieldType {
  if (typeof declaration === 'string') {
    return new DeclarationParser(new TokenStream(declaration, subject), context).parseField();
  }
  if (declaration instanceof UserTypeBase) return declaration.resolve(context);
  throw typeExpected(declaration, subject);
}

/** Returns the error for a value that is not a type. */
export function typeExpected(value: unknown, subject: string): TypeError {
  return new TypeError(
    `${subject} must be C text or a type created by struct or enumeration, not ${describeType(value)}`,
  );
}

/** Returns the own properties, each read once. Their names must be valid in C. */
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
    // Assigning to `__proto__` would not create a property.
    if (!isName(name) || name === '__proto__') {
      throw new RangeError(`${subject} has the name ${quoteToken(name)}, which is not a valid name in C`);
    }
  }
  return names.map((name) => [name, members[name]!]);
}

function fieldTypeText(type: string | UserType): string {
  return typeof type === 'string' ? oneLine(type) : type['~type'] === 'struct' ? 'struct' : 'enum';
}
