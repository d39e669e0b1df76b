/**
 * The C types that cross between C and JavaScript: their layout in memory and their JavaScript type. All names,
 * typedefs and qualifiers are already resolved.
 */

export type CType = VoidType | ValueType;

/** Types of arguments. A structure is passed by value; an array parameter is a pointer in C. */
export type ValueType = ScalarType | StructType;

/** Types of structure fields. */
export type FieldType = ValueType | ArrayType;

export type ScalarType = IntegerType | FloatType | PointerType | StringType;

export interface VoidType {
  readonly kind: 'void';
}

/** Integers, enumerations and `bool`. */
export interface IntegerType {
  readonly kind: 'integer';
  readonly size: 1 | 2 | 4 | 8;
  readonly signed: boolean;
  /** JavaScript type: `'bigint'` if the type has 64 bits on any supported architecture. */
  readonly js: 'number' | 'bigint' | 'boolean';
}

export interface FloatType {
  readonly kind: 'float';
  readonly size: 4 | 8;
}

/** Any pointer, including function pointers. */
export interface PointerType {
  readonly kind: 'pointer';
  readonly js: 'bigint' | 'number';
}

/** `const char *`: a JavaScript string; NULL is `null`. */
export interface StringType {
  readonly kind: 'string';
}

/** A structure with at least one field. Offsets ascend, and fields do not overlap. */
export interface StructType {
  readonly kind: 'struct';
  /** A multiple of the alignment. */
  readonly size: number;
  readonly alignment: number;
  readonly fields: readonly StructField[];
}

export interface StructField {
  readonly name: string;
  readonly offset: number;
  readonly type: FieldType;
}

/** An array in a structure; elsewhere C has only pointers to arrays. `length` is at least 1. */
export interface ArrayType {
  readonly kind: 'array';
  readonly element: FieldType;
  readonly length: number;
}

/** The signature of a function. */
export interface Signature {
  readonly result: CType;
  readonly args: readonly SignatureArgument[];
  /** Index of the first variadic argument. Variadic types are promoted. */
  readonly variadicFrom: number | undefined;
  /** C notation in one line, for messages. */
  readonly text: string;
}

export interface SignatureArgument {
  readonly name: string | undefined;
  readonly type: ValueType;
}

/** Types that differ between 64-bit Linux architectures. Those of 64 bits on any are `bigint` on all. */
export type PlatformTypes = Readonly<Record<PlatformTypeName, Pick<IntegerType, 'size' | 'signed'>>>;
export type PlatformTypeName = 'char' | 'wchar_t' | 'nlink_t' | 'blksize_t';

/** Returns C's `sizeof`, in bytes. */
export function sizeOf(type: FieldType): number {
  switch (type.kind) {
    case 'pointer':
    case 'string':
      return 8;
    case 'array':
      return type.length * sizeOf(type.element);
    default:
      return type.size;
  }
}

/** Returns C's `_Alignof`, in bytes. That of a scalar is its size. */
export function alignmentOf(type: FieldType): number {
  if (type.kind === 'array') return alignmentOf(type.element);
  return type.kind === 'struct' ? type.alignment : sizeOf(type);
}
