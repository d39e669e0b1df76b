/** The values of many trampolines of a table by column: constants, arrays, or functions of the index. */

import { describeType, plainObject } from '../core/validate.js';
import { pcIsZero, type RowEncoder } from './row-encoder.js';
import type { WordField } from './row-function.js';
import type { WordColumn } from './slots/slots.js';

export interface Columns {
  /** Number of trampolines. */
  readonly count: number;
  /** Encodes the values at an index in the encoder's words. */
  encodeAt(index: number): void;
  /**
   * The values by data word, if all are constants and arrays: they are checked, and writing them runs no code of the
   * caller. Otherwise `undefined`, as for stack data.
   */
  readonly words: readonly WordColumn[] | undefined;
}

/** Checks columns and their lengths. Values that functions return are checked when they are encoded. */
export function parseColumns(encoder: RowEncoder, input: unknown, count: unknown): Columns {
  const columns = plainObject(input, 'columns');
  const { fields } = encoder;
  const { stack } = encoder.shape;
  const names = [...fields.map(({ name }) => name), ...(stack === undefined ? [] : ['stackData'])];
  for (const name of Object.keys(columns)) if (!names.includes(name)) throw encoder.unknownNameError(name);
  for (const name of names) if (columns[name] === undefined) throw encoder.missingValueError(columns);

  const lengths = new Map<string, number>();
  if (count !== undefined) lengths.set('count', encoder.checkCount(count));
  // All values first: a getter of one could change the array of another after its check.
  const values = fields.map(({ name }) => columns[name]);
  const stackData = stack === undefined ? undefined : columns['stackData'];
  const encoders = fields.map((field, index) => fieldEncoder(encoder, field, values[index]));
  for (const [index, { name }] of fields.entries()) {
    const value = values[index];
    if (value instanceof BigUint64Array) lengths.set(name, value.length);
  }
  if (stack !== undefined) {
    if (stackData instanceof Uint8Array && stackData.length !== stack.size)
      lengths.set('stackData', stackData.length / stack.size);
    encoders.push(stackEncoder(encoder, stackData, stack.size));
  }
  const length = commonLength(lengths);
  return {
    count: length,
    encodeAt: (index) =>
      encoder.guard(() => {
        for (const encodeColumn of encoders) encodeColumn(index);
      }),
    words: stack === undefined ? wordColumns(fields, values, length) : undefined,
  };
}

function commonLength(lengths: ReadonlyMap<string, number>): number {
  const [length, ...otherLengths] = lengths.values();
  if (length === undefined)
    throw new TypeError('columns: no column has a length; pass the count as second argument');
  if (otherLengths.some((otherLength) => otherLength !== length)) {
    const lengthList = [...lengths].map(([name, number]) => `${name} ${number}`).join(', ');
    throw new RangeError(`columns differ in length: ${lengthList}`);
  }
  return length;
}

function fieldEncoder(encoder: RowEncoder, field: WordField, value: unknown): (index: number) => void {
  const { u64 } = encoder;
  const { wordIndex } = field;
  if (value instanceof BigUint64Array) {
    if (wordIndex === 0) return (index) => encoder.encodeWord(field, value[index]);
    return (index) => {
      u64[wordIndex] = value[index]!;
    };
  }
  if (typeof value === 'function') return (index) => encoder.encodeWord(field, value(index));
  encoder.encodeWord(field, value);
  const constant = u64[wordIndex]!;
  return () => {
    u64[wordIndex] = constant;
  };
}

function stackEncoder(encoder: RowEncoder, value: unknown, size: number): (index: number) => void {
  if (typeof value === 'function') return (index) => encoder.encodeStack(value(index));
  if (!(value instanceof Uint8Array))
    throw new TypeError(`stackData must be a Uint8Array, not ${describeType(value)}`);
  if (value.length === size) return () => encoder.encodeStack(value);
  return (index) => encoder.encodeStack(value.subarray(index * size, (index + 1) * size));
}

/** Returns the values by data word. Constants are checked already. */
function wordColumns(
  fields: readonly WordField[],
  values: readonly unknown[],
  count: number,
): readonly WordColumn[] | undefined {
  if (values.some((value) => typeof value === 'function')) return undefined;
  const columns: WordColumn[] = [];
  for (const [index, { wordIndex }] of fields.entries()) {
    const value = values[index];
    columns[wordIndex] =
      value instanceof BigUint64Array
        ? // A subclass may have properties of its own.
          { words: new BigUint64Array(value.buffer, value.byteOffset, value.length), step: 1 }
        : { words: BigUint64Array.of(value as bigint), step: 0 };
  }
  // After all code of subclasses, which may have detached a buffer.
  if (columns.some(({ words, step }) => step === 1 && words.length !== count)) return undefined;
  if (columns[0]!.words.includes(0n)) throw pcIsZero();
  return columns;
}
