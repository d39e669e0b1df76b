/** What the compiler infers from signatures, and refuses. Compiling this file is the test. */
import * as trampfd from 'trampfd';
import {
  type CallbackFunction,
  type CallbackResult,
  createCallback as closure,
  enumeration,
  type NativeValue,
  nativeFunction as native,
  type ParametersOf,
  type PrototypeLike,
  type PrototypeObject,
  type ResultOf,
  struct,
} from 'trampfd';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_equal: Equal<A, B>): void => {};

export function prototypes(): void {
  same<ParametersOf<'int (const void *a, double b)'>, [bigint, number]>(true);
  same<ResultOf<'int (const void *a, double b)'>, number>(true);
  same<ParametersOf<'int (void)'>, []>(true);
  same<ParametersOf<'int ()'>, []>(true);
  same<ResultOf<'void (void)'>, void>(true);
  same<
    ParametersOf<'void f(int8_t, uint16_t, int_least32_t, char, bool)'>,
    [number, number, number, number, boolean]
  >(true);
  same<
    ParametersOf<'void f(int64_t, size_t, uint_fast16_t, long, long long unsigned)'>,
    [bigint, bigint, bigint, bigint, bigint]
  >(true);
  same<ParametersOf<'void f(float, double, enum color)'>, [number, number, number]>(true);
  same<
    ParametersOf<'void (const char *, char const *const, const char s[])'>,
    [string | null, string | null, string | null]
  >(true);
  same<
    ParametersOf<'void (char *, const unsigned char *, const char **, void ***)'>,
    [bigint, bigint, bigint, bigint]
  >(true);
  same<ResultOf<'const char *(void)'>, string | null>(true);
  same<ResultOf<'void *(void)'>, bigint>(true);
  same<ResultOf<'bool (void)'>, boolean>(true);
  same<ResultOf<'unsigned long long int (void)'>, bigint>(true);
  same<
    ParametersOf<'void (int (*compare)(const void *, const void *), struct stat *, int [3])'>,
    [bigint, bigint, bigint]
  >(true);
  same<ParametersOf<'int (int) ' | 'int (void *)'>, [number] | [bigint]>(true);
}

export function functions(either: boolean): void {
  same<CallbackFunction<'int (const void *, double)'>, (...args: [bigint, number]) => number>(true);
  same<CallbackFunction<'void (bool)'>, (...args: [boolean]) => void>(true);
  same<CallbackResult<'size_t (void)'>, bigint | number>(true);
  same<CallbackResult<'void *(void)'>, bigint | number | ArrayBuffer | ArrayBufferView | null>(true);
  closure('int (const void *a, double b)', (a, b) => {
    same<typeof a, bigint>(true);
    same<typeof b, number>(true);
    return 1;
  });
  closure('void (int)', () => 'a function whose result nobody asks for');
  closure('uint64_t (void)', () => 1);
  closure('void *(void)', () => (either ? new Uint8Array(8) : null), { errorResult: null });
  closure(either ? 'int (int)' : 'int (void *)', (value) => {
    same<typeof value, number | bigint>(true);
    return 1;
  });
  // @ts-expect-error a bigint is no int
  closure('int (void)', () => 1n);
  // @ts-expect-error nor is a string
  closure('int (void)', () => '1');
  // @ts-expect-error nothing is returned
  closure('int (void)', () => {});
  // @ts-expect-error a pointer is a bigint
  closure('int (void *)', (a: number) => a);
  // @ts-expect-error there is one argument
  closure('int (int)', (a, b) => a + b);
  // @ts-expect-error a string may be null
  closure('size_t (const char *)', (text) => text.length);

  const strlen = native('size_t strlen(const char *)', 1n);
  same<typeof strlen, (...args: [string | null]) => bigint>(true);
  const read = native('ssize_t read(int, void *, size_t)', 1n);
  read(0, new Uint8Array(8), 8);
  read(0, 0x1000n, 8n);
  // @ts-expect-error an argument is missing
  read(0, null);
  // @ts-expect-error a string is no pointer
  read(0, 'text', 8);
  // @ts-expect-error a bigint is no int
  read(0n, null, 8);
}

export function refusals(): void {
  // @ts-expect-error a misspelt result
  closure('imt (void)', () => 1);
  // @ts-expect-error a misspelt argument
  closure('int (viod *)', () => 1);
  // @ts-expect-error in the second argument
  closure('int (int a, doubel b)', () => 1);
  // @ts-expect-error a misspelt qualifier
  closure('int (cosnt void *)', () => 1);
  // @ts-expect-error in a function's own parameter
  closure('void (int (*)(imt))', () => {});
  // @ts-expect-error no prototype
  closure('int', () => 1);
  // @ts-expect-error nothing at all
  closure('', () => 1);
  // @ts-expect-error a parenthesis is missing
  closure('int (int', () => 1);
  // @ts-expect-error C has no such type
  closure('unsigned double (void)', () => 1);
  // @ts-expect-error JavaScript has no such numbers
  closure('long double (void)', () => 1);
  // @ts-expect-error what ... stands for is not said
  closure('int (const char *, ...)', () => 1);
  // @ts-expect-error a structure needs fields
  closure('void (struct point)', () => {});
  // @ts-expect-error a name from JavaScript's objects
  closure('constructor (void)', () => 1);
  // @ts-expect-error only createCallback makes one
  new trampfd.Closure();
  // @ts-expect-error not a signature
  closure(5, () => 1);
  const oneOf = (first: boolean) => (first ? 'int (int)' : 'imt (int)');
  // @ts-expect-error one of two is misspelt
  closure(oneOf(true), () => 1);
  // @ts-expect-error nor for native functions
  native('imt (void)', 1n);
}

export function objects(): void {
  const point = struct({ x: 'double', y: 'float' });
  const visit = enumeration({ preorder: 0, postorder: 1 });
  same<typeof visit.values.postorder, 1>(true);
  same<(typeof point)['fields'], { readonly x: 'double'; readonly y: 'float' }>(true);

  closure({ result: 'int', args: ['double x', struct({ x: 'double' }), visit] }, (x, y, which) => {
    same<typeof x, number>(true);
    same<typeof y, { readonly x: number }>(true);
    same<typeof which, number>(true);
    return 1;
  });
  closure({ result: point, args: [] }, () => ({ x: 1, y: 2 }));
  // @ts-expect-error a field is missing
  closure({ result: point, args: [] }, () => ({ x: 1 }));
  // @ts-expect-error a field has another type
  closure({ result: point, args: [] }, () => ({ x: 1, y: '2' }));

  const nested = struct({
    at: point,
    next: 'void *',
    name: 'const char *',
    bytes: 'uint8_t[16]',
    matrix: 'int64_t[2][3]',
    corners: struct({ first: point }),
  });
  closure({ result: 'void', args: [nested] }, (value) => {
    same<typeof value.at, { readonly x: number; readonly y: number }>(true);
    same<typeof value.next, bigint>(true);
    same<typeof value.name, string | null>(true);
    same<typeof value.bytes, readonly number[]>(true);
    same<typeof value.matrix, readonly (readonly bigint[])[]>(true);
    same<typeof value.corners.first.y, number>(true);
    // @ts-expect-error no such field
    value.nmae;
  });

  closure({ result: 'void *', args: ['void *', 'char **', nested], pointers: 'number' }, (a, b, c) => {
    same<typeof a, number>(true);
    same<typeof b, number>(true);
    same<typeof c.next, number>(true);
    return 0n;
  });
  closure(
    { result: 'int', args: ['const char *'], variadic: ['int', 'double', point] },
    (format, a, b, c) => {
      same<typeof format, string | null>(true);
      same<[typeof a, typeof b, typeof c.x], [number, number, number]>(true);
      return 0;
    },
  );
  same<ResultOf<{ result: 'void *'; args: []; pointers: 'number' }>, number>(true);
  same<ParametersOf<{ result: 'int'; args: ['double', 'size_t'] }>, [number, bigint]>(true);
  same<ParametersOf<{ result: 'int'; args: ['int']; variadic: ['size_t'] }>, [number, bigint]>(true);

  // @ts-expect-error a misspelt argument
  closure({ result: 'int', args: ['duoble'] }, () => 1);
  // @ts-expect-error a misspelt result
  closure({ result: 'imt', args: [] }, () => 1);
  // @ts-expect-error a misspelt variadic argument
  closure({ result: 'int', args: ['int'], variadic: ['imt'] }, () => 1);
  // @ts-expect-error a result has no name
  closure({ result: 'int x', args: [] }, () => 1);
  // @ts-expect-error the arguments are missing
  closure({ result: 'int' }, () => 1);
  // @ts-expect-error no such property
  closure({ result: 'int', args: [], pointer: 'number' }, () => 1);
  // @ts-expect-error pointers are one or the other
  closure({ result: 'int', args: [], pointers: 'string' }, () => 1);
  // @ts-expect-error a prototype is no type
  closure({ result: 'int', args: ['int (int)', 'int (void'] }, () => 1);
  // @ts-expect-error a misspelt field
  struct({ x: 'double', y: 'duoble' });
  // @ts-expect-error a field has a length
  struct({ x: 'int[]' });
  // @ts-expect-error that is more than 0
  struct({ x: 'int[-4]' });
  // @ts-expect-error a field cannot be void
  struct({ x: 'void' });
  // @ts-expect-error a structure has fields by name
  struct(['int']);
  // @ts-expect-error values are numbers
  enumeration({ red: '0' });
}

/** What is not known before can be anything, but is not `any`. */
export function notLiteral(text: string, object: PrototypeObject, prefix: `int (${string})`): void {
  const either: PrototypeLike = text === '' ? object : text;
  closure(either as PrototypeLike, (...args) => {
    same<typeof args, NativeValue[]>(true);
  });
  closure(text, (...args) => {
    same<typeof args, NativeValue[]>(true);
    return args[0] ?? null;
  });
  same<ResultOf<string>, NativeValue | ResultOf<'void (void)'>>(true);
  closure(text, () => {});
  same<ParametersOf<PrototypeObject>, NativeValue[]>(true);
  same<ParametersOf<typeof prefix>, NativeValue[]>(true);
  closure(prefix, (first) => first ?? 0);
  closure(object, () => 1n);
  closure({ result: 'int', args: [text, 'double'] }, (a, b) => {
    same<typeof a, NativeValue>(true);
    same<typeof b, number>(true);
    return 1;
  });
  native(text, 1n)(1, 2n, 'text', new Uint8Array(8), { x: 1 });
  closure(text, () => new Uint8Array(8));
  // @ts-expect-error no value of C's
  native(text, 1n)(Symbol());
  // @ts-expect-error it may be anything
  closure(text, (a: bigint) => a);
}

export async function options(): Promise<void> {
  closure('int (int)', async (value) => value, { awaitResult: true });
  closure('int (int)', (value) => value, { awaitResult: true, errorResult: 1 });
  // @ts-expect-error nobody waits for the promise
  closure('int (int)', async (value) => value);
  // @ts-expect-error nor is it a result with other options
  closure('int (int)', async (value) => value, { crossThread: 'block' });
  // @ts-expect-error the error result is a result, too
  closure('int (int)', (value) => value, { errorResult: 'x' });
  // @ts-expect-error no such option
  closure('int (int)', (value) => value, { thread: 'wait' });
  const later = native('double (double)', 1n, { async: true });
  same<ReturnType<typeof later>, Promise<number>>(true);
  const withErrno = native('int (int)', 1n, { errno: true });
  same<ReturnType<typeof withErrno>, { readonly value: number; readonly errno: number }>(true);
  const maybe: boolean = Math.random() > 0.5;
  const sometimes = native('int (int)', 1n, { async: maybe, fiber: false });
  same<ReturnType<typeof sometimes>, number | Promise<number>>(true);
  const never = native('int (int)', 1n, { async: false, errno: false });
  same<ReturnType<typeof never>, number>(true);
  const both = await native('void *(int)', 1n, { errno: true, async: true })(1);
  same<typeof both, { readonly value: bigint; readonly errno: number }>(true);
}
