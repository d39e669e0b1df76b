/** What a declaration's text leaves open, and how much of everything is read. */
import type { PlatformTypes } from '../../machine/c-types.js';

/** The same text is different types with a different one of these. */
export interface TypeContext {
  readonly platform: PlatformTypes;
  /** What pointers are in JavaScript. */
  readonly pointers: 'bigint' | 'number';
}

/** No type is larger on any platform, so what is right with this meaning is right with all. */
export const widestContext: TypeContext = {
  platform: {
    char: { size: 1, signed: true },
    wchar_t: { size: 4, signed: true },
    nlink_t: { size: 8, signed: false },
    blksize_t: { size: 8, signed: true },
  },
  pointers: 'bigint',
};

/** As much as every C compiler has to take: C17, section 5.2.4.1. They bound the work for hostile input, too. */
export const cLimits = {
  parameters: 127,
  /** Open at the same time. */
  parenthesisDepth: 63,
  dimensions: 12,
  /** Fields of a structure, values of an enumeration. */
  members: 1023,
  /** Structures in structures. */
  structDepth: 63,
  /** Bytes of a structure. */
  structBytes: 65_535,
} as const;
