/** Encodes the named values of a table's trampolines as the data words of slots, and checks them. */

import type { StackLayout } from '../core/contexts.js';
import { limits } from '../core/limits.js';
import { registerNumber } from '../core/registers.js';
import { dataLayout, type Shape } from '../core/shape.js';
import { describeType, integerInRange, plainObject, uint64 } from '../core/validate.js';
import { hostMachine } from '../native/host.js';

interface WordField {
  readonly name: string;
  readonly wordIndex: number;
}

export class RowEncoder {
  readonly shape: Shape;
  /** The PC, then the registers, by the names and in the order that the caller used. */
  readonly #fields: readonly WordField[];
  readonly #stackDataOffset: number;
  /** The encoded words of one slot. */
  readonly u64: BigUint64Array<ArrayBuffer>;
  readonly u32: Uint32Array<ArrayBuffer>;
  readonly #u8: Uint8Array<ArrayBuffer>;
  /** Counts uses of `u64`, to detect a getter or a column function that uses the same table. */
  #generation = 0;

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
    this.#fields = [
      { name: 'pc', wordIndex: 0 },
      ...namedRegisters.map(({ name, number }) => ({ name, wordIndex: 1 + registerNumbers.indexOf(number) })),
    ];
    const slotLayout = dataLayout(this.shape);
    this.#stackDataOffset = slotLayout.stackDataOffset;
    this.u64 = new BigUint64Array(slotLayout.wordCount);
    this.u32 = new Uint32Array(this.u64.buffer);
    this.#u8 = new Uint8Array(this.u64.buffer);
  }

  /** Checks all values of one trampoline and encodes them in `u64`. Throws before anything else is changed. */
  encode(values: unknown): void {
    const { stack } = this.shape;
    const generation = ++this.#generation;
    let count = 0;
    for (const name in values as Readonly<Record<string, unknown>>) {
      const value = (values as Readonly<Record<string, unknown>>)[name];
      // Fast path: most callers use the order of the columns.
      const field = this.#fields[count];
      if (field !== undefined && field.name === name) this.#encodeWord(field, value);
      else if (Object.hasOwn(values as object, name)) this.#encodeByName(name, value);
      else continue; // inherited from a prototype
      count++;
    }
    if (count !== this.#fields.length + (stack === undefined ? 0 : 1)) throw this.#missingValueError(values);
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
    for (const { name, wordIndex: index } of this.#fields) result[name] = dataWords[index]!;
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

  /**
   * Checks columns: each is a value, an array of values or a function of the index.
   * Returns the number of trampolines, and a function that encodes the one at an index in `u64`.
   */
  columnEncoder(input: unknown, count: unknown): { count: number; encodeAt: (index: number) => void } {
    const columns = plainObject(input, 'columns');
    const { stack } = this.shape;
    const names = [...this.#fields.map(({ name }) => name), ...(stack === undefined ? [] : ['stackData'])];
    for (const name of Object.keys(columns)) if (!names.includes(name)) throw this.#unknownNameError(name);
    for (const name of names) if (columns[name] === undefined) throw this.#missingValueError(columns);

    const lengths = new Map<string, number>();
    if (count !== undefined) lengths.set('count', this.checkCount(count));
    const encoders: ((index: number) => void)[] = [];
    for (const field of this.#fields) {
      const value = columns[field.name];
      if (value instanceof BigUint64Array) lengths.set(field.name, value.length);
      encoders.push(this.#fieldEncoder(field, value));
    }
    if (stack !== undefined) {
      const value = columns['stackData'];
      if (value instanceof Uint8Array && value.length !== stack.size)
        lengths.set('stackData', value.length / stack.size);
      encoders.push(this.#stackEncoder(value, stack.size));
    }
    const [length, ...otherLengths] = lengths.values();
    if (length === undefined)
      throw new TypeError('columns: no column has a length; pass the count as second argument');
    if (otherLengths.some((otherLength) => otherLength !== length)) {
      const lengthList = [...lengths].map(([name, number]) => `${name} ${number}`).join(', ');
      throw new RangeError(`columns differ in length: ${lengthList}`);
    }
    return {
      count: length,
      encodeAt: (index) => {
        const generation = ++this.#generation;
        for (const encodeColumn of encoders) encodeColumn(index);
        this.#checkGeneration(generation);
      },
    };
  }

  /** Checks a count of trampolines. */
  checkCount(value: unknown): number {
    return integerInRange(value, 'count', { max: 2 ** 32 - 1 });
  }

  #fieldEncoder(field: WordField, value: unknown): (index: number) => void {
    const wordIndex = field.wordIndex;
    if (value instanceof BigUint64Array) {
      if (wordIndex === 0) return (index) => this.#encodeWord(field, value[index]);
      return (index) => {
        this.u64[wordIndex] = value[index]!;
      };
    }
    if (typeof value === 'function') return (index) => this.#encodeWord(field, value(index));
    this.#encodeWord(field, value);
    const constant = this.u64[wordIndex]!;
    return () => {
      this.u64[wordIndex] = constant;
    };
  }

  #stackEncoder(value: unknown, size: number): (index: number) => void {
    if (typeof value === 'function') return (index) => this.#encodeStack(value(index));
    if (!(value instanceof Uint8Array))
      throw new TypeError(`stackData must be a Uint8Array, not ${describeType(value)}`);
    if (value.length === size) return () => this.#encodeStack(value);
    return (index) => this.#encodeStack(value.subarray(index * size, (index + 1) * size));
  }

  #encodeWord(field: WordField, value: unknown): void {
    // Fast path without a call: a bigint that equals its low 64 bits.
    const unsigned =
      typeof value === 'bigint' && BigInt.asUintN(64, value) === value ? value : uint64(value, field.name);
    if (field.wordIndex === 0 && unsigned === 0n) throw new RangeError('pc must not be 0');
    this.u64[field.wordIndex] = unsigned;
  }

  #encodeByName(name: string, value: unknown): number[] {
    if (name === 'stackData' && this.shape.stack !== undefined) return this.#encodeStack(value);
    const field = this.#fields.find((candidate) => candidate.name === name);
    if (field === undefined) throw this.#unknownNameError(name);
    this.#encodeWord(field, value);
    return [field.wordIndex];
  }

  #encodeStack(value: unknown): number[] {
    const { size } = this.shape.stack!;
    if (!(value instanceof Uint8Array))
      throw new TypeError(`stackData must be a Uint8Array, not ${describeType(value)}`);
    if (value.length !== size)
      throw new RangeError(`stackData has ${value.length} bytes; this table's trampolines have ${size}`);
    this.#u8.set(value, this.#stackDataOffset);
    return Array.from({ length: Math.ceil(size / 8) }, (_, index) => this.#stackDataOffset / 8 + index);
  }

  #checkGeneration(generation: number): void {
    if (generation !== this.#generation)
      throw new TypeError('a value was computed by a function that used the same table');
  }

  #unknownNameError(name: string): RangeError {
    const names = this.#fields.map((field) => field.name);
    if (this.shape.stack !== undefined) names.push('stackData');
    return new RangeError(`this table has no "${name}"; its trampolines have ${names.join(', ')}`);
  }

  #missingValueError(values: unknown): TypeError {
    const input = plainObject(values, 'values');
    const names = this.#fields.map(({ name }) => name);
    if (this.shape.stack !== undefined) names.push('stackData');
    return new TypeError(`${names.find((name) => input[name] === undefined) ?? 'a value'} is missing`);
  }
}
