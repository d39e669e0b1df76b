/** The context in which a declaration is parsed, and limits. */
import type { PlatformTypes } from '../../machine/c-types.js';

/** Settings on which the type of a declaration depends. */
export interface TypeContext {
  readonly platform: PlatformTypes;
  /** The JavaScript type of pointers. */
  readonly pointers: 'bigint' | 'number';
}

/** Platform types at their largest: a structure that is valid with these is valid on every platform. */
export const widestContext: TypeContext = {
  platform: {
    char: { size: 1, signed: true },
    wchar_t: { size: 4, signed: true },
    nlink_t: { size: 8, signed: false },
    blksize_t: { size: 8, signed: true },
  },
  pointers: 'bigint',
};

/** The limits that every C compiler must support (C17, section 5.2.4.1). They also bound the work for hostile input. */
export const cLimits = {
  parameters: 127,
  /** Nesting levels. */
  parenthesisDepth: 63,
  dimensions: 12,
  /** Fields of a structure, values of an enumeration. */
  members: 1023,
  /** Nesting levels of structures. */
  structDepth: 63,
  /** Bytes of a structure. */
  structBytes: 65_535,
} as const;
