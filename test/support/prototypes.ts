/**
 * Prototypes for tests of the parser, of the compiler's inference, and of gcc. Compiling this file tests the inference.
 */
import type { InferPrototype } from '#src/ffi/prototype/infer-declarations.js';
import type { InvalidType } from '#src/ffi/prototype/infer-tokens.js';

type ResultKind<Text extends string> =
  InferPrototype<Text> extends { readonly result: infer Kind extends string } ? Kind : never;
type ArgumentKinds<Text extends string> =
  InferPrototype<Text> extends { readonly args: infer Kinds extends string[] } ? Kinds : never;

/** A prototype and its kinds in JavaScript, which the compiler must infer. */
const prototype = <const Text extends string>(
  text: Text,
  result: ResultKind<Text>,
  args: ArgumentKinds<Text>,
): { text: string; result: string; args: readonly string[] } => ({ text, result, args });

/** An invalid prototype, which the compiler must reject, too. */
const refusal = <const Text extends string>(
  text: Text & (InferPrototype<Text> extends InvalidType<string> ? unknown : never),
): string => text;

export const prototypes = [
  // C library
  prototype('int (const void *, const void *)', 'number', ['pointer', 'pointer']),
  prototype('int (const void *a, double b)', 'number', ['pointer', 'number']),
  prototype('int puts(const char *s)', 'number', ['string']),
  prototype('void *memcpy(void *restrict to, const void *restrict from, size_t n);', 'pointer', [
    'pointer',
    'pointer',
    'bigint',
  ]),
  prototype(
    'char *strtok_r(char *restrict s, const char *__restrict sep, char **__restrict__ last)',
    'pointer',
    ['pointer', 'string', 'pointer'],
  ),
  prototype(
    'void qsort(void *base, size_t n, size_t size, int (*compare)(const void *, const void *))',
    'void',
    ['pointer', 'bigint', 'bigint', 'pointer'],
  ),
  prototype('int (*compare)(const void *, const void *)', 'number', ['pointer', 'pointer']),
  prototype('void (*)(int)', 'void', ['number']),
  prototype('void (* const handler)(int)', 'void', ['number']),
  prototype('int ftw(const char *, int (*)(const char *, const struct stat *, int), int)', 'number', [
    'string',
    'pointer',
    'number',
  ]),
  prototype('const char *strerror(int)', 'string', ['number']),
  prototype('double pow(double x, double y)', 'number', ['number', 'number']),
  prototype('int execve(const char *path, char *const argv[], char *const envp[])', 'number', [
    'string',
    'pointer',
    'pointer',
  ]),
  prototype('int setvbuf(FILE *restrict, char *, int, size_t)', 'number', [
    'pointer',
    'pointer',
    'number',
    'bigint',
  ]),

  // No arguments
  prototype('int (void)', 'number', []),
  prototype('int ()', 'number', []),
  prototype('void(void)', 'void', []),
  prototype('void f(void);', 'void', []),

  // Specifiers in any order
  prototype('unsigned long long int (unsigned)', 'bigint', ['number']),
  prototype('int long unsigned long (unsigned int)', 'bigint', ['number']),
  prototype('long (long int)', 'bigint', ['bigint']),
  prototype('long const unsigned words(int long signed)', 'bigint', ['bigint']),
  prototype('short (short int, int short unsigned, signed short)', 'number', ['number', 'number', 'number']),
  prototype('signed (signed int, int signed)', 'number', ['number', 'number']),
  prototype('char (signed char, char unsigned, char)', 'number', ['number', 'number', 'number']),
  prototype('float (double, float)', 'number', ['number', 'number']),
  prototype('_Bool (bool, const _Bool)', 'boolean', ['boolean', 'boolean']),

  // Types of headers
  prototype('int8_t (uint8_t, int16_t, uint16_t, int32_t, uint32_t)', 'number', [
    'number',
    'number',
    'number',
    'number',
    'number',
  ]),
  prototype('int64_t (uint64_t, intptr_t, uintptr_t, intmax_t, uintmax_t)', 'bigint', [
    'bigint',
    'bigint',
    'bigint',
    'bigint',
    'bigint',
  ]),
  prototype('int_least8_t (uint_fast8_t, int_fast16_t, uint_least64_t)', 'number', [
    'number',
    'bigint',
    'bigint',
  ]),
  prototype('ssize_t (size_t, ptrdiff_t, wchar_t)', 'bigint', ['bigint', 'bigint', 'number']),
  prototype('pid_t (uid_t, gid_t, mode_t, off_t, dev_t, ino_t)', 'number', [
    'number',
    'number',
    'number',
    'bigint',
    'bigint',
    'bigint',
  ]),
  prototype('time_t (nlink_t, blksize_t, clock_t)', 'bigint', ['bigint', 'bigint', 'bigint']),
  prototype('timer_t (caddr_t, pthread_t)', 'pointer', ['pointer', 'bigint']),
  prototype('char16_t (char32_t, wint_t)', 'number', ['number', 'number']),
  prototype('u_char (u_short, u_int, u_long, u_int64_t)', 'number', ['number', 'number', 'bigint', 'bigint']),

  // Pointers and strings
  prototype('void ***(int **, char ****)', 'pointer', ['pointer', 'pointer']),
  prototype('char const *(char const *const s)', 'string', ['string']),
  prototype('void (const char *const *, const char **, char *const)', 'void', [
    'pointer',
    'pointer',
    'pointer',
  ]),
  prototype('void (const unsigned char *, const signed char *)', 'void', ['pointer', 'pointer']),
  prototype('void (const char)', 'void', ['number']),
  prototype('const char (const char, char)', 'number', ['number', 'number']),
  prototype('void (volatile int *volatile, const volatile void *)', 'void', ['pointer', 'pointer']),
  prototype('void (const int, int const, volatile double)', 'void', ['number', 'number', 'number']),
  prototype('int (struct stat *, const struct timeval *const, union sigval *)', 'number', [
    'pointer',
    'pointer',
    'pointer',
  ]),
  prototype('struct stat *(struct stat *const restrict)', 'pointer', ['pointer']),
  prototype('enum color (enum color, enum color *)', 'number', ['number', 'pointer']),
  prototype('int (DIR *, fd_set *, max_align_t *, pthread_mutex_t *)', 'number', [
    'pointer',
    'pointer',
    'pointer',
    'pointer',
  ]),

  // Arrays
  prototype('int (int a[], int b[10], double [3])', 'number', ['pointer', 'pointer', 'pointer']),
  prototype('int (int n, int a[n], int b[*], int c[static 4])', 'number', [
    'number',
    'pointer',
    'pointer',
    'pointer',
  ]),
  prototype('int (int [][3], int a[const 4], int (*b)[3])', 'number', ['pointer', 'pointer', 'pointer']),
  prototype('void (const char s[], char t[], const char u[2][3])', 'void', ['string', 'pointer', 'pointer']),
  prototype('void (const char *argv[])', 'void', ['pointer']),

  // Functions as parameters, and parentheses
  prototype('void (int f(int), int (double), int ())', 'void', ['pointer', 'pointer', 'pointer']),
  prototype('void (void (*f)(void (*)(int), int), long)', 'void', ['pointer', 'bigint']),
  prototype('void (int (*(*f)(int))(char), int (*g[3])(void))', 'void', ['pointer', 'pointer']),
  prototype('void (int (*print)(const char *, ...))', 'void', ['pointer']),
  prototype('void (const char (*s), const char ((*(t))))', 'void', ['string', 'string']),
  prototype('void (const char f(int), const char (*g)(int))', 'void', ['pointer', 'pointer']),
  prototype('int (int (x), double ((y)))', 'number', ['number', 'number']),

  // Names
  prototype('int f_1(int _, double __x2)', 'number', ['number', 'number']),
  prototype('unsigned size(unsigned x)', 'number', ['number']),
  prototype('int (int size_t, double off_t)', 'number', ['number', 'number']),
  prototype('int (unsigned size_t, long off_t)', 'number', ['number', 'bigint']),
  prototype('long double_(short __int)', 'bigint', ['number']),
  prototype('int constant(int voided, int longer)', 'number', ['number', 'number']),

  // White space
  prototype('  int\n  ( const\tvoid*a ,\r\n double\n) \n', 'number', ['pointer', 'number']),
  prototype('void*(void*)', 'pointer', ['pointer']),
  prototype('const char*(const char*const*)', 'string', ['pointer']),

  // Many arguments
  prototype(
    'int twelve(int a, double b, const char *c, size_t d, void *e, float f, int64_t g, uint8_t h, bool i, int (*j)(int), unsigned long long k, const void *const *l)',
    'number',
    [
      'number',
      'number',
      'string',
      'bigint',
      'pointer',
      'number',
      'bigint',
      'number',
      'boolean',
      'pointer',
      'bigint',
      'pointer',
    ],
  ),
];

/** Invalid in C. */
export const refusals = [
  refusal(''),
  refusal('   '),
  refusal('int'),
  refusal('imt (void)'),
  refusal('cosnt int (void)'),
  refusal('int (cosnt void *)'),
  refusal('int (imt *)'),
  refusal('int (int (*)(imt))'),
  refusal('int (int a b)'),
  refusal('int f g(void)'),
  refusal('int (int,)'),
  refusal('int (,int)'),
  refusal('int (int int)'),
  refusal('int (void, int)'),
  refusal('int (void x)'),
  refusal('int (void'),
  refusal('int (int'),
  refusal('int void)'),
  refusal('int (void))'),
  refusal('int (void) x'),
  refusal('int (void); int'),
  refusal('int (* (int)'),
  refusal('(void)'),
  refusal('* (void)'),
  refusal('const (const)'),
  refusal('int (int *a *b)'),
  refusal('int (int a[)'),
  refusal('int (int a])'),
  refusal('int (int (*a)'),
  refusal('unsigned float (void)'),
  refusal('long char (void)'),
  refusal('short long (void)'),
  refusal('long long long (void)'),
  refusal('signed unsigned (void)'),
  refusal('short double (int)'),
  refusal('int (long void *)'),
  refusal('int (struct)'),
  refusal('struct (int)'),
  refusal('struct int (int)'),
  refusal('int (int 2a)'),
  refusal('int (int a-b)'),
  refusal('int {void}'),
  refusal('int (int &a)'),
  refusal('std::size_t (void)'),
  refusal('int (int... )'),
  refusal('__proto__ (void)'),
  refusal('constructor (toString)'),
  refusal('int restrict; (void)'),
];

/** Valid in C, but not supported. */
export const unsupported = [
  refusal('long double (void)'),
  refusal('int (long double)'),
  refusal('int (const char *, ...)'),
  refusal('int (int (*)(int), ...)'),
  refusal('void (struct stat)'),
  refusal('struct timeval (void)'),
  refusal('max_align_t (void)'),
  refusal('__int128 (void)'),
  refusal('double _Complex (void)'),
  refusal('unsigned __int128 (void)'),
  refusal('int (_Atomic int)'),
  refusal('int static (void)'),
  refusal('void (*signal(int, void (*)(int)))(int)'),
  refusal('extern int (void)'),
  // Declarations of variables in C
  refusal('int (viod)'),
  refusal('int (imt)'),
];
