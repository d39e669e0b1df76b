/**
 * JavaScript functions that make fast calls. Each is compiled from a text of its own, since V8 inlines closures of one text
 * only if there is one of them. It checks the arguments; if they need a conversion, if an argument is wrong, or while V8
 * has not optimised its caller, it calls the ordinary function instead.
 */
import { compile } from '../core/compile.js';
import type { Signature } from '../machine/c-types.js';
import { failures } from '../machine/glue-layout.js';
import type { FastType } from '../native/v8-function.js';
import type { BoundFunction } from './bind-call.js';
import type { CallInterface } from './call-interface.js';
import type { FastCalls } from './fast-calls.js';
import { runtime } from './runtime.js';
import { formats, type ValueLocation } from './value-locations.js';

/** How an argument is passed: JavaScript expressions of its name. */
interface ArgumentCode {
  readonly type: FastType;
  /** Whether the value has this form. */
  readonly check: (name: string) => string;
  readonly pass: (name: string) => string;
}

interface ResultCode {
  /** `undefined`: the result is stored in the state. */
  readonly type: FastType | undefined;
  /** Expression of the value: of `result`, or of the index of the word in the state. */
  readonly read: (index: number) => string;
}

const integer = (type: 'int32' | 'uint32', convert: (name: string) => string): ArgumentCode => ({
  type,
  check: (name) => `typeof ${name} === 'number' && (${convert(name)}) === ${name}`,
  pass: (name) => (type === 'int32' ? `${name} | 0` : `${name} >>> 0`),
});
const float = (type: 'float32' | 'float64'): ArgumentCode => ({
  type,
  check: (name) => `typeof ${name} === 'number'`,
  pass: (name) => name,
});
const { MAX_SAFE_INTEGER } = Number;

const scalarArguments: Readonly<Record<number, ArgumentCode>> = {
  [formats.i8]: integer('int32', (name) => `${name} << 24 >> 24`),
  [formats.u8]: integer('int32', (name) => `${name} & 255`),
  [formats.i16]: integer('int32', (name) => `${name} << 16 >> 16`),
  [formats.u16]: integer('int32', (name) => `${name} & 65535`),
  [formats.i32]: integer('int32', (name) => `${name} | 0`),
  [formats.u32]: integer('uint32', (name) => `${name} >>> 0`),
  [formats.bool]: {
    type: 'int32',
    check: (name) => `typeof ${name} === 'boolean'`,
    pass: (name) => `${name} ? 1 : 0`,
  },
  [formats.f32]: float('float32'),
  [formats.f64]: float('float64'),
};

/** 64-bit arguments: all of a call are numbers, or all are bigints. */
const wideArguments = {
  number: (isSigned: boolean): ArgumentCode => ({
    type: 'int64',
    check: (name) =>
      `typeof ${name} === 'number' && ${name} >= ${isSigned ? -MAX_SAFE_INTEGER : 0} && ${name} <= ${MAX_SAFE_INTEGER} && Math.floor(${name}) === ${name}`,
    pass: (name) => name,
  }),
  bigint: (isSigned: boolean): ArgumentCode => ({
    type: isSigned ? 'int64' : 'uint64',
    check: (name) =>
      `typeof ${name} === 'bigint' && BigInt.as${isSigned ? 'Int' : 'Uint'}N(64, ${name}) === ${name}`,
    pass: (name) => name,
  }),
} as const;
type WideForm = keyof typeof wideArguments;

const wideFormats: readonly number[] = [formats.i64, formats.u64, formats.pointer, formats.pointerAsNumber];

interface FastFunctionTarget {
  readonly target: bigint;
  readonly signature: Signature;
  readonly callInterface: CallInterface;
}

const direct = (type: FastType, read: string): ResultCode => ({ type, read: () => read });
const stored = (read: ResultCode['read']): ResultCode => ({ type: undefined, read });

/** C need not extend results that are shorter than a register. */
const resultCodes: Readonly<Record<number, ResultCode>> = {
  [formats.i8]: direct('int32', 'result << 24 >> 24'),
  [formats.u8]: direct('int32', 'result & 255'),
  [formats.i16]: direct('int32', 'result << 16 >> 16'),
  [formats.u16]: direct('int32', 'result & 65535'),
  [formats.i32]: direct('int32', 'result'),
  [formats.u32]: direct('uint32', 'result'),
  [formats.bool]: direct('int32', '(result & 255) !== 0'),
  [formats.f32]: direct('float32', 'result'),
  [formats.f64]: direct('float64', 'result'),
  [formats.i64]: stored((index) => `i64[${index}]`),
  [formats.u64]: stored((index) => `u64[${index}]`),
  [formats.pointer]: stored((index) => `u64[${index}]`),
  [formats.pointerAsNumber]: stored((index) => `u32[${2 * index}] + u32[${2 * index + 1}] * 4294967296`),
  [formats.string]: stored(() => 'readResult()'),
};
const voidResult = stored(() => 'undefined');

let compiledFunctions = 0;

/**
 * Returns a function that makes fast calls where it can; `ordinary` itself if it never can: with structures, texts,
 * arguments on the stack, variadic arguments, or `errno`.
 * @param readResult reads a result that is in the state
 */
export function bindFast(
  { target, signature, callInterface }: FastFunctionTarget,
  { create, release, hasBigInts }: FastCalls,
  { ordinary, readResult }: { readonly ordinary: BoundFunction; readonly readResult: () => unknown },
): BoundFunction {
  const { args, result, errno, stackSize, resultSize } = callInterface;
  const resultCode = result === undefined ? voidResult : resultCodes[result.format];
  const isSimple = resultCode !== undefined && resultSize === 0 && stackSize === 0 && !errno;
  if (!isSimple || signature.variadicFrom !== undefined) return ordinary;
  const forms: readonly WideForm[] = hasBigInts && args.some(isWide) ? ['number', 'bigint'] : ['number'];
  const codesByForm = forms.map((form) => args.flatMap((arg) => argumentCode(arg, form) ?? []));
  if (codesByForm[0]!.length < args.length) return ordinary;

  const fastFunctions = codesByForm.map((codes, index) => {
    const types = { args: codes.map(({ type }) => type), int64: forms[index]! };
    return create(
      { ...types, result: resultCode.type ?? 'int32', toMemory: resultCode.type === undefined },
      target,
    );
  });
  const names = args.map((_, index) => `arg${index}`);
  const attempts = codesByForm.map((codes, index) => {
    const checks = codes.map(({ check }, argument) => check(names[argument]!));
    const values = codes.map(({ pass }, argument) => pass(names[argument]!));
    return `if (${checks.join(' && ') || 'true'}) {
      const result = fast${index}(${values.join(', ')});
      if (failure[0] === ${failures.fastCall}) throwPendingError();
      if (result !== undefined) return ${resultCode.read((result?.byteOffset ?? 0) / 8)};
    }`;
  });
  const { state, errors } = runtime();
  const values: Readonly<Record<string, unknown>> = {
    // An element of an array, and without a call whose target V8 counts: it would inline the ordinary function into this
    // one, which would then be too large to be inlined itself.
    ...{ ordinary: [ordinary], apply: Reflect.apply },
    ...{ readResult, failure: errors.failureCode, throwPendingError: errors.throwPendingError },
    ...{ u32: state.u32, i64: state.i64, u64: state.u64 },
    ...Object.fromEntries(fastFunctions.map(({ call }, index) => [`fast${index}`, call])),
  };
  // The number makes the text different from all others.
  const text = `return (${names.join(', ')}) => {
    ${attempts.join(' else ')}
    return apply(ordinary[0], undefined, [${names.join(', ')}]);
  }; // ${compiledFunctions++}`;
  const bound = compile(Object.keys(values), text)(...Object.values(values)) as BoundFunction;
  for (const fastFunction of fastFunctions) release(fastFunction, bound);
  return bound;
}

function argumentCode(location: ValueLocation, form: WideForm): ArgumentCode | undefined {
  return isWide(location)
    ? wideArguments[form](location.format === formats.i64)
    : scalarArguments[location.format];
}

function isWide({ format }: ValueLocation): boolean {
  return wideFormats.includes(format);
}
