/** The types that the compiler infers from prototypes, and the errors it reports. Compiling this file is the test. */
import * as trampfd from 'trampfd';
import {
  type CallbackFunction,
  type CallbackResult,
  createCallback as callback,
  enumeration,
  type NativeFunction,
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
  callback('int (const void *a, double b)', (a, b) => {
    same<typeof a, bigint>(true);
    same<typeof b, number>(true);
    return 1;
  });
  callback('void (int)', () => 'a result that is ignored');
  callback('uint64_t (void)', () => 1);
  callback('void *(void)', () => (either ? new Uint8Array(8) : null), { errorResult: null });
  callback(either ? 'int (int)' : 'int (void *)', (value) => {
    same<typeof value, number | bigint>(true);
    return 1;
  });
  // @ts-expect-error a bigint is no int
  callback('int (void)', () => 1n);
  // @ts-expect-error nor a string
  callback('int (void)', () => '1');
  // @ts-expect-error nothing is returned
  callback('int (void)', () => {});
  // @ts-expect-error a pointer is a bigint
  callback('int (void *)', (a: number) => a);
  // @ts-expect-error there is one argument
  callback('int (int)', (a, b) => a + b);
  // @ts-expect-error a string may be null
  callback('size_t (const char *)', (text) => text.length);

  const strlen = native('size_t strlen(const char *)', 1n);
  same<Parameters<typeof strlen>, [string | null]>(true);
  same<ReturnType<typeof strlen>, bigint>(true);
  const untyped: NativeFunction = strlen as never;
  same<Parameters<typeof untyped>, (NativeValue | ArrayBuffer | ArrayBufferView)[]>(true);
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
  callback('imt (void)', () => 1);
  // @ts-expect-error a misspelt argument
  callback('int (viod *)', () => 1);
  // @ts-expect-error in the second argument
  callback('int (int a, doubel b)', () => 1);
  // @ts-expect-error a misspelt qualifier
  callback('int (cosnt void *)', () => 1);
  // @ts-expect-error in a function's own parameter
  callback('void (int (*)(imt))', () => {});
  // @ts-expect-error no prototype
  callback('int', () => 1);
  // @ts-expect-error nothing at all
  callback('', () => 1);
  // @ts-expect-error a parenthesis is missing
  callback('int (int', () => 1);
  // @ts-expect-error C has no such type
  callback('unsigned double (void)', () => 1);
  // @ts-expect-error JavaScript has no such numbers
  callback('long double (void)', () => 1);
  // @ts-expect-error the types of ... are missing
  callback('int (const char *, ...)', () => 1);
  // @ts-expect-error a structure needs fields
  callback('void (struct point)', () => {});
  // @ts-expect-error a name from JavaScript's objects
  callback('constructor (void)', () => 1);
  // @ts-expect-error only createCallback creates one
  new trampfd.Callback();
  // @ts-expect-error not a prototype
  callback(5, () => 1);
  const oneOf = (first: boolean) => (first ? 'int (int)' : 'imt (int)');
  // @ts-expect-error one of two is misspelt
  callback(oneOf(true), () => 1);
  // @ts-expect-error also for native functions
  native('imt (void)', 1n);
}

export function objects(): void {
  const point = struct({ x: 'double', y: 'float' });
  const visit = enumeration({ preorder: 0, postorder: 1 });
  same<typeof visit.values.postorder, 1>(true);
  same<(typeof point)['fields'], { readonly x: 'double'; readonly y: 'float' }>(true);

  callback({ result: 'int', args: ['double x', struct({ x: 'double' }), visit] }, (x, y, which) => {
    same<typeof x, number>(true);
    same<typeof y, { readonly x: number }>(true);
    same<typeof which, number>(true);
    return 1;
  });
  callback({ result: point, args: [] }, () => ({ x: 1, y: 2 }));
  // @ts-expect-error a field is missing
  callback({ result: point, args: [] }, () => ({ x: 1 }));
  // @ts-expect-error a field has another type
  callback({ result: point, args: [] }, () => ({ x: 1, y: '2' }));

  const nested = struct({
    at: point,
    next: 'void *',
    name: 'const char *',
    bytes: 'uint8_t[16]',
    matrix: 'int64_t[2][3]',
    corners: struct({ first: point }),
  });
  callback({ result: 'void', args: [nested] }, (value) => {
    same<typeof value.at, { readonly x: number; readonly y: number }>(true);
    same<typeof value.next, bigint>(true);
    same<typeof value.name, string | null>(true);
    same<typeof value.bytes, readonly number[]>(true);
    same<typeof value.matrix, readonly (readonly bigint[])[]>(true);
    same<typeof value.corners.first.y, number>(true);
    // @ts-expect-error no such field
    value.nmae;
  });

  callback({ result: 'void *', args: ['void *', 'char **', nested], pointers: 'number' }, (a, b, c) => {
    same<typeof a, number>(true);
    same<typeof b, number>(true);
    same<typeof c.next, number>(true);
    return 0n;
  });
  callback(
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
  callback({ result: 'int', args: ['duoble'] }, () => 1);
  // @ts-expect-error a misspelt result
  callback({ result: 'imt', args: [] }, () => 1);
  // @ts-expect-error a misspelt variadic argument
  callback({ result: 'int', args: ['int'], variadic: ['imt'] }, () => 1);
  // @ts-expect-error a result has no name
  callback({ result: 'int x', args: [] }, () => 1);
  // @ts-expect-error the arguments are missing
  callback({ result: 'int' }, () => 1);
  // @ts-expect-error no such property
  callback({ result: 'int', args: [], pointer: 'number' }, () => 1);
  // @ts-expect-error pointers are 'bigint' or 'number'
  callback({ result: 'int', args: [], pointers: 'string' }, () => 1);
  // @ts-expect-error a prototype is not a type
  callback({ result: 'int', args: ['int (int)', 'int (void'] }, () => 1);
  // @ts-expect-error a misspelt field
  struct({ x: 'double', y: 'duoble' });
  // @ts-expect-error a field has a length
  struct({ x: 'int[]' });
  // @ts-expect-error a length is positive
  struct({ x: 'int[-4]' });
  // @ts-expect-error a field cannot be void
  struct({ x: 'void' });
  // @ts-expect-error a structure has fields by name
  struct(['int']);
  // @ts-expect-error values are numbers
  enumeration({ red: '0' });
}

/** Values of prototypes that are not literals can be anything, but are not `any`. */
export function notLiteral(text: string, object: PrototypeObject, prefix: `int (${string})`): void {
  const either: PrototypeLike = text === '' ? object : text;
  callback(either as PrototypeLike, (...args) => {
    same<typeof args, NativeValue[]>(true);
  });
  callback(text, (...args) => {
    same<typeof args, NativeValue[]>(true);
    return args[0] ?? null;
  });
  same<ResultOf<string>, NativeValue | ResultOf<'void (void)'>>(true);
  callback(text, () => {});
  same<ParametersOf<PrototypeObject>, NativeValue[]>(true);
  same<ParametersOf<typeof prefix>, NativeValue[]>(true);
  callback(prefix, (first) => first ?? 0);
  callback(object, () => 1n);
  callback({ result: 'int', args: [text, 'double'] }, (a, b) => {
    same<typeof a, NativeValue>(true);
    same<typeof b, number>(true);
    return 1;
  });
  native(text, 1n)(1, 2n, 'text', new Uint8Array(8), { x: 1 });
  callback(text, () => new Uint8Array(8));
  // @ts-expect-error not a value of C
  native(text, 1n)(Symbol());
  // @ts-expect-error it may be anything
  callback(text, (a: bigint) => a);
}

export async function options(): Promise<void> {
  callback('int (int)', async (value) => value, { awaitResult: true });
  callback('int (int)', (value) => value, { awaitResult: true, errorResult: 1 });
  // @ts-expect-error a promise is only a result with awaitResult
  callback('int (int)', async (value) => value);
  // @ts-expect-error nor with other options
  callback('int (int)', async (value) => value, { crossThread: 'block' });
  // @ts-expect-error the error result has another type
  callback('int (int)', (value) => value, { errorResult: 'x' });
  // @ts-expect-error no such option
  callback('int (int)', (value) => value, { thread: 'wait' });
  const plain = native('double (double)', 1n);
  same<ReturnType<typeof plain>, number>(true);
  same<ReturnType<typeof plain.async>, Promise<number>>(true);
  same<Parameters<typeof plain.async>, [number]>(true);
  same<(typeof plain)['address'], bigint>(true);
  same<(typeof plain)['prototype'], string>(true);
  const withErrno = native('int (int)', 1n, { errno: true });
  same<ReturnType<typeof withErrno>, { readonly value: number; readonly errno: number }>(true);
  const maybe: boolean = Math.random() > 0.5;
  const sometimes = native('int (int)', 1n, { errno: maybe, fiber: false });
  same<ReturnType<typeof sometimes>, number | { readonly value: number; readonly errno: number }>(true);
  const never = native('int (int)', 1n, { errno: false });
  same<ReturnType<typeof never>, number>(true);
  const both = await native('void *(int)', 1n, { errno: true }).async(1);
  same<typeof both, { readonly value: bigint; readonly errno: number }>(true);
  // @ts-expect-error an argument is missing
  native('int (int)', 1n).async();
  // @ts-expect-error no such option
  native('int (int)', 1n, { async: true });
}
