/** Random prototypes as objects, and C declarations of their types. */

import { struct } from '#src/ffi/prototype/declare.js';
import type { PrototypeObject } from '#src/ffi/prototype/prototype-like.js';
import type { StructFields, UserType } from '#src/ffi/prototype/user-type.js';
import { type CType, type FieldType, type StructType, sizeOf } from '#src/machine/c-types.js';
import type { Random } from './random.js';

const promoted = ['int', 'unsigned', 'int64_t', 'size_t', 'double', 'void *', 'const char *'];
const scalars = [
  ...promoted,
  ...[
    'bool',
    'char',
    'int8_t',
    'uint8_t',
    'int16_t',
    'uint16_t',
    'int32_t',
    'uint32_t',
    'uint64_t',
    'float',
    'double',
  ],
];

/** Returns a prototype with no arguments up to more than fit into registers. */
export function randomSignature(random: Random): PrototypeObject {
  const list = (from: number, to: number, scalar: readonly string[]) =>
    Array.from({ length: random.integer({ from, to }) }, () => randomType(random, scalar));
  const result = random.integer({ to: 7 }) === 0 ? 'void' : randomType(random, scalars);
  if (random.integer({ to: 4 }) > 0) return { result, args: list(0, random.pick([3, 8, 16]), scalars) };
  return { result, args: list(1, 4, scalars), variadic: list(0, 10, promoted) };
}

function randomType(random: Random, scalar: readonly string[]): string | UserType {
  return random.integer({ to: 2 }) === 0 ? randomStruct(random, 3) : random.pick(scalar);
}

/** Returns a structure: mostly a small one, since those are split among registers. */
function randomStruct(random: Random, depth: number): UserType {
  const fields: Record<string, string | UserType> = {};
  // Few types, so that eightbytes of floats only are frequent.
  const types = random.flip() ? ['float', 'double'] : [random.pick(scalars), random.pick(scalars), 'float'];
  for (let count = random.integer({ from: 1, to: random.pick([2, 4, 6]) }); count > 0; count--) {
    const kind = random.integer({ to: 5 });
    fields[`f${count}`] =
      kind === 0 && depth > 1
        ? randomStruct(random, depth - 1)
        : `${random.pick(types)}${kind === 1 ? `[${random.integer({ from: 1, to: 3 })}]` : ''}`;
  }
  return struct<StructFields>(fields);
}

/** Writes C declarations. Structures get a definition, once for each object. */
export class CDeclarations {
  readonly #names = new Map<StructType, string>();
  /** Definitions that must precede the declarations. */
  readonly definitions: string[] = [];

  /** @param name empty for an abstract declarator */
  declare(type: CType | FieldType, name: string): string {
    if (type.kind === 'array') return this.declare(type.element, `${name}[${type.length}]`);
    return `${this.#typeName(type)} ${name}`;
  }

  #typeName(type: Exclude<CType | FieldType, { kind: 'array' }>): string {
    switch (type.kind) {
      case 'void':
        return 'void';
      case 'float':
        return type.size === 4 ? 'float' : 'double';
      case 'pointer':
        return 'void *';
      case 'string':
        return 'const char *';
      case 'integer':
        if (type.js === 'boolean') return '_Bool';
        return `${type.signed ? '' : 'u'}int${8 * type.size}_t`;
      case 'struct':
        return this.#structName(type);
    }
  }

  #structName(type: StructType): string {
    const known = this.#names.get(type);
    if (known !== undefined) return known;
    const fields = type.fields.map((field) => `${this.declare(field.type, field.name)};`);
    const name = `struct s${this.#names.size}`;
    this.#names.set(type, name);
    const layout = type.fields.map(
      ({ name: field, offset }) => ` && offsetof(${name}, ${field}) == ${offset}`,
    );
    this.definitions.push(
      `${name} { ${fields.join(' ')} };`,
      `_Static_assert(sizeof(${name}) == ${type.size} && _Alignof(${name}) == ${type.alignment}${layout.join('')}, "");`,
    );
    return name;
  }
}

/** Calls `visit` for each scalar within a value, with its type and its offset in bytes. */
export function eachScalar(
  type: FieldType,
  visit: (type: Exclude<FieldType, { kind: 'array' | 'struct' }>, offset: number) => void,
  offset = 0,
): void {
  if (type.kind === 'struct') {
    for (const field of type.fields) eachScalar(field.type, visit, offset + field.offset);
  } else if (type.kind === 'array') {
    const stride = sizeOf(type.element);
    for (let index = 0; index < type.length; index++)
      eachScalar(type.element, visit, offset + index * stride);
  } else {
    visit(type, offset);
  }
}
