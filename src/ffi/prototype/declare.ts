/** The public functions that create types. */

import type { ValidFields } from './types.js';
import {
  type Enumeration,
  EnumerationDeclaration,
  type EnumerationValues,
  type Struct,
  StructDeclaration,
  type StructFields,
} from './user-type.js';

/**
 * Creates the type of a structure that is passed by value. In JavaScript it is an object with a property for each field;
 * arrays are arrays. Fields are laid out as a C compiler does it. Limitation: no bit-fields, unions or packed structures.
 *
 * @example
 * ```ts
 * import { struct } from 'trampfd';
 *
 * const point = struct({ x: 'double', y: 'double' });
 * const label = struct({ at: point, text: 'char[16]' });
 * console.log(Object.keys(label.fields).join()); // at,text
 * ```
 * @throws TypeError, RangeError for fields that are not valid in C
 */
export function struct<const Fields extends StructFields>(
  fields: Fields & ValidFields<Fields>,
): Struct<Fields> {
  return new StructDeclaration<Fields>(fields);
}

/**
 * Creates the type of an enumeration. In JavaScript its values are numbers; as in C, values without a name are allowed.
 *
 * @example
 * ```ts
 * import { enumeration } from 'trampfd';
 *
 * const visit = enumeration({ preorder: 0, postorder: 1, endorder: 2, leaf: 3 });
 * console.log(visit.values.leaf); // 3
 * ```
 * @throws TypeError, RangeError for values that do not fit into `int` or `unsigned int`
 */
export function enumeration<const Values extends EnumerationValues>(values: Values): Enumeration<Values> {
  return new EnumerationDeclaration<Values>(values);
}
