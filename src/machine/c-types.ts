/**
 * C's types, as far as they cross between C and JavaScript: what a value looks like in memory, and what it is
 * in JavaScript. Everything is resolved here: no names, no typedefs, no qualifiers.
 */

export type CType = VoidType | ValueType;

/** What arguments can be. A structure is passed by value; an array parameter is a pointer in C. */
export type ValueType = ScalarType | StructType;

/** What a field of a structure can be. */
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
  /** What it is in JavaScript: `'bigint'` for types that have 64 bits on any of our architectures. */
  readonly js: 'number' | 'bigint' | 'boolean';
}

export interface FloatType {
  readonly kind: 'float';
  readonly size: 4 | 8;
}

/** Any pointer, to functions too. */
export interface PointerType {
  readonly kind: 'pointer';
  readonly js: 'bigint' | 'number';
}

/** `const char *`: a JavaScript string; NULL is `null`. */
export interface StringType {
  readonly kind: 'string';
}

/** A structure. Its fields stand at ascending offsets and do not overlap; there is at least one. */
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

/** A function as its caller and itself see it. */
export interface Signature {
  readonly result: CType;
  readonly args: readonly SignatureArgument[];
  /** The arguments from here on are those that `...` stands for; their types are promoted ones. */
  readonly variadicFrom: number | undefined;
  /** As C would write it, in one line, for messages. */
  readonly text: string;
}

export interface SignatureArgument {
  readonly name: string | undefined;
  readonly type: ValueType;
}

/** The types that are not the same on every 64-bit Linux. Those of 64 bits anywhere are `bigint` everywhere. */
export type PlatformTypes = Readonly<Record<PlatformTypeName, Pick<IntegerType, 'size' | 'signed'>>>;
export type PlatformTypeName = 'char' | 'wchar_t' | 'nlink_t' | 'blksize_t';

/** Bytes that a value takes: C's `sizeof`. */
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

/** What a value's address is a multiple of: C's `_Alignof`. A scalar's is its size. */
export function alignmentOf(type: FieldType): number {
  if (type.kind === 'array') return alignmentOf(type.element);
  return type.kind === 'struct' ? type.alignment : sizeOf(type);
}
