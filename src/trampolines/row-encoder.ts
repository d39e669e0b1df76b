/** Encodes the named values of a table's trampolines as the data words of slots, and checks them. */

import type { StackLayout } from '../core/contexts.js';
import { limits } from '../core/limits.js';
import { registerNumber } from '../core/registers.js';
import { dataLayout, type Shape } from '../core/shape.js';
import { describeType, integerInRange, plainObject, uint64 } from '../core/validate.js';
import { hostMachine } from '../native/host.js';
import { type RowFunction, rowFunctionFor, type WordField } from './row-function.js';

export class RowEncoder {
  readonly shape: Shape;
  /** The PC, then the registers, by the names and in the order that the caller used. */
  readonly fields: readonly WordField[];
  readonly #stackDataOffset: number;
  /** The encoded words of one slot. */
  readonly u64: BigUint64Array<ArrayBuffer>;
  readonly #u8: Uint8Array<ArrayBuffer>;
  /** Counts uses of `u64`, to detect a getter or a column function that uses the same table. */
  #generation = 0;
  /** Few tables are used as often, and compiling takes as long as a hundred uses. */
  #usesUntilCompilation = 1000;
  #rowFunction: RowFunction | undefined;

  constructor(registers: unknown, stackLayout: StackLayout | undefined) {
    const { registerFile } = hostMachine();
    const pcNumber = registerNumber(registerFile, 'pc');
    if (!Array.isArray(registers))
      throw new TypeError(`registers must be an array of names, not ${describeType(registers)}`);
    const namedRegisters = Array.from(registers, (name: unknown, index) => {
      if (typeof name !== 'string')
        throw new TypeError(`registers[${index}] must be a string, not ${describeType(name)}`);
      const number = registerNumber(registerFile, name);
      if (number === pcNumber)
        throw new RangeError(`registers: leave out "${name}"; every trampoline has a PC`);
      return { name, number };
    });
    if (namedRegisters.length >= limits.registers) {
      throw new RangeError(
        `registers names ${namedRegisters.length}; at most ${limits.registers - 1} are possible besides the PC`,
      );
    }
    const registerNumbers = namedRegisters.map(({ number }) => number).sort((a, b) => a - b);
    const duplicate = registerNumbers.find((number, index) => registerNumbers[index - 1] === number);
    if (duplicate !== undefined) {
      const duplicateNames = namedRegisters
        .filter(({ number }) => number === duplicate)
        .map(({ name }) => `"${name}"`);
      throw new RangeError(`registers: ${duplicateNames.join(' and ')} are the same register`);
    }
    this.shape = Object.freeze({ registers: Object.freeze(registerNumbers), stack: stackLayout });
    this.fields = [
      { name: 'pc', wordIndex: 0 },
      ...namedRegisters.map(({ name, number }) => ({ name, wordIndex: 1 + registerNumbers.indexOf(number) })),
    ];
    const slotLayout = dataLayout(this.shape);
    this.#stackDataOffset = slotLayout.stackDataOffset;
    this.u64 = new BigUint64Array(slotLayout.wordCount);
    this.#u8 = new Uint8Array(this.u64.buffer);
  }

  /** Checks all values of one trampoline and encodes them in `u64`. Throws before anything else is changed. */
  encode(values: unknown): void {
    this.#generation++;
    if (this.#rowFunction === undefined || !this.#rowFunction(values, this.u64)) this.#encodeAnyOrder(values);
  }

  #encodeAnyOrder(values: unknown): void {
    const generation = this.#generation;
    const { stack } = this.shape;
    if (--this.#usesUntilCompilation === 0 && stack === undefined)
      this.#rowFunction = rowFunctionFor(this.fields);
    let count = 0;
    for (const name in values as Readonly<Record<string, unknown>>) {
      const value = (values as Readonly<Record<string, unknown>>)[name];
      // Fast path: most callers use the order of the columns.
      const field = this.fields[count];
      if (field !== undefined && field.name === name) this.encodeWord(field, value);
      else if (Object.hasOwn(values as object, name)) this.#encodeByName(name, value);
      else continue; // inherited from a prototype
      count++;
    }
    if (count !== this.fields.length + (stack === undefined ? 0 : 1)) throw this.missingValueError(values);
    this.#checkGeneration(generation);
  }

  /** Checks some values and overwrites their words in `u64`. Returns the indexes of the changed words. */
  encodePartial(values: unknown): Set<number> {
    const changed = new Set<number>();
    const generation = ++this.#generation;
    for (const [name, value] of Object.entries(plainObject(values, 'values'))) {
      for (const index of this.#encodeByName(name, value)) changed.add(index);
    }
    this.#checkGeneration(generation);
    return changed;
  }

  /** Returns the values of data words, by name. */
  decode(dataWords: BigUint64Array): Record<string, bigint | Uint8Array> {
    const result: Record<string, bigint | Uint8Array> = {};
    for (const { name, wordIndex: index } of this.fields) result[name] = dataWords[index]!;
    const { stack } = this.shape;
    if (stack !== undefined) {
      result['stackData'] = new Uint8Array(
        dataWords.buffer,
        dataWords.byteOffset + this.#stackDataOffset,
        stack.size,
      ).slice();
    }
    return result;
  }

  /** Checks a count of trampolines. */
  checkCount(value: unknown): number {
    return integerInRange(value, 'count', { max: 2 ** 32 - 1 });
  }

  /** Checks a value and encodes it. */
  encodeWord(field: WordField, value: unknown): void {
    // Fast path without a call: a bigint that equals its low 64 bits.
    const unsigned =
      typeof value === 'bigint' && BigInt.asUintN(64, value) === value ? value : uint64(value, field.name);
    if (field.wordIndex === 0 && unsigned === 0n) throw pcIsZero();
    this.u64[field.wordIndex] = unsigned;
  }

  #encodeByName(name: string, value: unknown): number[] {
    if (name === 'stackData' && this.shape.stack !== undefined) return this.encodeStack(value);
    const field = this.fields.find((candidate) => candidate.name === name);
    if (field === undefined) throw this.unknownNameError(name);
    this.encodeWord(field, value);
    return [field.wordIndex];
  }

  /** Checks stack data and encodes it. Returns the indexes of its words. */
  encodeStack(value: unknown): number[] {
    const { size } = this.shape.stack!;
    if (!(value instanceof Uint8Array))
      throw new TypeError(`stackData must be a Uint8Array, not ${describeType(value)}`);
    if (value.length !== size)
      throw new RangeError(`stackData has ${value.length} bytes; this table's trampolines have ${size}`);
    this.#u8.set(value, this.#stackDataOffset);
    return Array.from({ length: Math.ceil(size / 8) }, (_, index) => this.#stackDataOffset / 8 + index);
  }

  /** Runs a function that encodes values, and throws if they were computed by code that used the same table. */
  guard(encodeValues: () => void): void {
    const generation = ++this.#generation;
    encodeValues();
    this.#checkGeneration(generation);
  }

  #checkGeneration(generation: number): void {
    if (generation !== this.#generation)
      throw new TypeError('a value was computed by a function that used the same table');
  }

  unknownNameError(name: string): RangeError {
    const names = this.fields.map((field) => field.name);
    if (this.shape.stack !== undefined) names.push('stackData');
    return new RangeError(`this table has no "${name}"; its trampolines have ${names.join(', ')}`);
  }

  missingValueError(values: unknown): TypeError {
    const input = plainObject(values, 'values');
    const names = this.fields.map(({ name }) => name);
    if (this.shape.stack !== undefined) names.push('stackData');
    return new TypeError(`${names.find((name) => input[name] === undefined) ?? 'a value'} is missing`);
  }
}

/** Returns the error for a PC that is 0. */
export function pcIsZero(): RangeError {
  return new RangeError('pc must not be 0');
}
