/**
 * C keywords, and the type names of C headers as glibc defines them on 64-bit Linux. TypeScript's inference uses the same
 * tables.
 */
import type { FloatType, IntegerType, PointerType, VoidType } from '../../machine/c-types.js';
import { isWord } from './tokens.js';

export const int8 = { kind: 'integer', size: 1, signed: true, js: 'number' } as const;
const uint8 = { kind: 'integer', size: 1, signed: false, js: 'number' } as const;
export const int16 = { kind: 'integer', size: 2, signed: true, js: 'number' } as const;
export const uint16 = { kind: 'integer', size: 2, signed: false, js: 'number' } as const;
export const int32 = { kind: 'integer', size: 4, signed: true, js: 'number' } as const;
export const uint32 = { kind: 'integer', size: 4, signed: false, js: 'number' } as const;
export const int64 = { kind: 'integer', size: 8, signed: true, js: 'bigint' } as const;
export const uint64 = { kind: 'integer', size: 8, signed: false, js: 'bigint' } as const;
const bool = { kind: 'integer', size: 1, signed: false, js: 'boolean' } as const;
const pointer = { kind: 'pointer', js: 'bigint' } as const;

/** Integers whose size or sign depends on the platform: a `PlatformTypeName`. */
const platformNumber = { kind: 'platform', js: 'number' } as const;
const platformBigint = { kind: 'platform', js: 'bigint' } as const;

type NamedType =
  | VoidType
  | IntegerType
  | FloatType
  | PointerType
  | { kind: 'platform'; js: 'number' | 'bigint' };

/** Types that are named by a single word. */
export const namedTypes = {
  // Keywords
  void: { kind: 'void' },
  float: { kind: 'float', size: 4 },
  double: { kind: 'float', size: 8 },
  _Bool: bool,

  // <stdint.h>
  int8_t: int8,
  uint8_t: uint8,
  int16_t: int16,
  uint16_t: uint16,
  int32_t: int32,
  uint32_t: uint32,
  int64_t: int64,
  uint64_t: uint64,
  int_least8_t: int8,
  uint_least8_t: uint8,
  int_least16_t: int16,
  uint_least16_t: uint16,
  int_least32_t: int32,
  uint_least32_t: uint32,
  int_least64_t: int64,
  uint_least64_t: uint64,
  int_fast8_t: int8,
  uint_fast8_t: uint8,
  int_fast16_t: int64,
  uint_fast16_t: uint64,
  int_fast32_t: int64,
  uint_fast32_t: uint64,
  int_fast64_t: int64,
  uint_fast64_t: uint64,
  intmax_t: int64,
  uintmax_t: uint64,
  intptr_t: int64,
  uintptr_t: uint64,

  // <stddef.h>, <stdbool.h>, <uchar.h>, <wchar.h>
  size_t: uint64,
  ptrdiff_t: int64,
  wchar_t: platformNumber,
  bool,
  char16_t: uint16,
  char32_t: uint32,
  wint_t: uint32,

  // <sys/types.h>: POSIX
  ssize_t: int64,
  off_t: int64,
  blkcnt_t: int64,
  blksize_t: platformBigint,
  clock_t: int64,
  clockid_t: int32,
  dev_t: uint64,
  fsblkcnt_t: uint64,
  fsfilcnt_t: uint64,
  gid_t: uint32,
  id_t: uint32,
  ino_t: uint64,
  key_t: int32,
  mode_t: uint32,
  nlink_t: platformBigint,
  pid_t: int32,
  pthread_t: uint64,
  pthread_key_t: uint32,
  pthread_once_t: int32,
  pthread_spinlock_t: int32,
  suseconds_t: int64,
  time_t: int64,
  timer_t: pointer,
  uid_t: uint32,
  useconds_t: uint32,

  // <sys/types.h>: BSD and GNU
  blkcnt64_t: int64,
  caddr_t: pointer,
  daddr_t: int32,
  fd_mask: int64,
  fsblkcnt64_t: uint64,
  fsfilcnt64_t: uint64,
  ino64_t: uint64,
  loff_t: int64,
  off64_t: int64,
  quad_t: int64,
  register_t: int64,
  u_char: uint8,
  u_short: uint16,
  u_int: uint32,
  u_long: uint64,
  u_quad_t: uint64,
  u_int8_t: uint8,
  u_int16_t: uint16,
  u_int32_t: uint32,
  u_int64_t: uint64,
  ushort: uint16,
  uint: uint32,
  ulong: uint64,
} as const satisfies Readonly<Record<string, NamedType>>;

/** Keywords that specify a type or a part of one. */
export const baseKeywords = ['void', 'char', 'int', 'float', 'double', '_Bool'] as const;
export const signKeywords = ['signed', 'unsigned'] as const;
export const lengthKeywords = ['short', 'long'] as const;
export const tagKeywords = ['struct', 'union', 'enum'] as const;

/** Opaque types of the same headers, and of <stdio.h> and <dirent.h>: only pointers to them are allowed. */
export const incompleteTypes = [
  'max_align_t',
  'fd_set',
  'fsid_t',
  'sigset_t',
  'pthread_attr_t',
  'pthread_barrier_t',
  'pthread_barrierattr_t',
  'pthread_cond_t',
  'pthread_condattr_t',
  'pthread_mutex_t',
  'pthread_mutexattr_t',
  'pthread_rwlock_t',
  'pthread_rwlockattr_t',
  'FILE',
  'DIR',
] as const;

/** C11's qualifiers, and GCC's spellings of `restrict` that headers use. */
export const qualifiers = ['const', 'volatile', 'restrict', '__restrict', '__restrict__'] as const;

/** Keywords of C17 and GCC that mean something else here, or nothing: they are no names, and no type has them. */
export const unsupportedKeywords = [
  ...(['auto', 'extern', 'register', 'static', 'typedef', 'inline', '_Noreturn', '_Thread_local'] as const),
  ...(['break', 'case', 'continue', 'default', 'do', 'else', 'for', 'goto', 'if'] as const),
  ...(['return', 'sizeof', 'switch', 'while', '_Alignas', '_Alignof', '_Generic', '_Static_assert'] as const),
  ...(['_Atomic', '_Complex', '_Imaginary', '__int128', '__float128', '_Float16'] as const),
  ...(['_Float32', '_Float32x', '_Float64', '_Float64x', '_Float128'] as const),
  ...(['_Decimal32', '_Decimal64', '_Decimal128', '__attribute__', '__extension__'] as const),
] as const;

export type NamedTypes = typeof namedTypes;
export type BaseKeyword = (typeof baseKeywords)[number];
export type SignKeyword = (typeof signKeywords)[number];
export type TagKeyword = (typeof tagKeywords)[number];
export type Qualifier = (typeof qualifiers)[number];
export type Keyword = BaseKeyword | SignKeyword | (typeof lengthKeywords)[number] | TagKeyword | Qualifier;
export type UnsupportedKeyword = (typeof unsupportedKeywords)[number];
/** Words that can begin a declaration. */
export type Specifier = Keyword | keyof NamedTypes | (typeof incompleteTypes)[number];

const keywords: readonly string[] = [
  ...baseKeywords,
  ...signKeywords,
  ...lengthKeywords,
  ...tagKeywords,
  ...qualifiers,
];
const specifiers = new Set<string>([...keywords, ...Object.keys(namedTypes), ...incompleteTypes]);
const reservedWords = new Set<string>([...keywords, ...unsupportedKeywords]);

/** Returns whether this word can begin a declaration. */
export const isSpecifier = (word: string): word is Specifier => specifiers.has(word);

/** Returns whether this word is allowed as the declared name. As in C, type names are allowed, keywords are not. */
export const isName = (word: string): boolean => isWord(word) && !reservedWords.has(word);
