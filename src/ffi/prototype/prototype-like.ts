/** The forms in which callers give the prototype of a C function. */
import type { UserType } from './user-type.js';

/**
 * The parameters and the result of a C function: a C prototype (`'int puts(const char *)'`; names are optional), or an
 * object, which can express more.
 */
export type PrototypeLike = string | PrototypeObject;

/** A prototype as an object: for structures, enumerations, variadic arguments, and pointers as numbers. */
export interface PrototypeObject {
  /** A type in C, `'void'` included; a structure or an enumeration. */
  readonly result: string | UserType;
  /** Types in C, optionally with parameter names; structures and enumerations. */
  readonly args: readonly (string | UserType)[];
  /** The types passed for `...`, after C's default argument promotions: no `float`, no `short`. */
  readonly variadic?: readonly (string | UserType)[];
  /**
   * The JavaScript type of pointers. Numbers are faster, and hold every user-space address (below 2^53). Default
   * `'bigint'`.
   */
  readonly pointers?: 'bigint' | 'number';
}
