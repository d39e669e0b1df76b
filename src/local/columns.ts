/**
 * How the named values of a trampoline table stand in the data words of its slots, and the checks on the way in.
 */
import { thisMachine } from '../linux/host.js';
import type { StackLayout } from '../trampoline/contexts.js';
import { limits } from '../trampoline/limits.js';
import { registerNumber } from '../trampoline/registers.js';
import { dataLayout, type Shape } from '../trampoline/shape.js';
import { integer, kind, record, word } from '../trampoline/values.js';

interface Column {
  readonly name: string;
  readonly word: number;
}

export class Columns {
  readonly shape: Shape;
  /** The PC first, then the registers as the caller named them. */
  readonly #columns: readonly Column[];
  readonly #stackAt: number;
  /** Checked values of one slot, on their way into it. */
  readonly words: BigUint64Array<ArrayBuffer>;
  readonly halves: Uint32Array<ArrayBuffer>;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  /** Counts uses of `words`, to notice a getter or a column function that uses them while we do. */
  #turn = 0;

  constructor(registers: unknown, stack: StackLayout | undefined) {
    const { registerFile } = thisMachine();
    const pc = registerNumber(registerFile, 'pc');
    if (!Array.isArray(registers))
      throw new TypeError(`registers must be an array of names, not ${kind(registers)}`);
    const named = Array.from(registers, (name: unknown, index) => {
      if (typeof name !== 'string')
        throw new TypeError(`registers[${index}] must be a string, not ${kind(name)}`);
      const number = registerNumber(registerFile, name);
      if (number === pc) throw new RangeError(`registers: leave out "${name}"; every trampoline has a PC`);
      return { name, number };
    });
    if (named.length >= limits.registers) {
      throw new RangeError(
        `registers names ${named.length}; at most ${limits.registers - 1} are possible besides the PC`,
      );
    }
    const order = named.map(({ number }) => number).sort((a, b) => a - b);
    const twice = order.find((number, index) => order[index - 1] === number);
    if (twice !== undefined) {
      const twins = named.filter(({ number }) => number === twice).map(({ name }) => `"${name}"`);
      throw new RangeError(`registers: ${twins.join(' and ')} are the same register`);
    }
    this.shape = Object.freeze({ registers: Object.freeze(order), stack });
    this.#columns = [
      { name: 'pc', word: 0 },
      ...named.map(({ name, number }) => ({ name, word: 1 + order.indexOf(number) })),
    ];
    const layout = dataLayout(this.shape);
    this.#stackAt = layout.stackAt;
    this.words = new BigUint64Array(layout.words);
    this.halves = new Uint32Array(this.words.buffer);
    this.#bytes = new Uint8Array(this.words.buffer);
  }

  /** Checks all values of one trampoline and puts them into `words`. Throws before anything else is changed. */
  stage(values: unknown): void {
    const { stack } = this.shape;
    const turn = ++this.#turn;
    let count = 0;
    for (const name in values as Readonly<Record<string, unknown>>) {
      const value = (values as Readonly<Record<string, unknown>>)[name];
      // Values mostly come in the order of the columns.
      const column = this.#columns[count];
      if (column !== undefined && column.name === name) this.#stageWord(column, value);
      else if (Object.hasOwn(values as object, name)) this.#stageOther(name, value);
      else continue; // something that a prototype has
      count++;
    }
    if (count !== this.#columns.length + (stack === undefined ? 0 : 1)) throw this.#missing(values);
    this.#checkTurn(turn);
  }

  /** Checks some values and puts them over those in `words`. Returns which words changed. */
  stagePart(values: unknown): Set<number> {
    const changed = new Set<number>();
    const turn = ++this.#turn;
    for (const [name, value] of Object.entries(record(values, 'values'))) {
      for (const index of this.#stageOther(name, value)) changed.add(index);
    }
    this.#checkTurn(turn);
    return changed;
  }

  /** The values that stand in data words, by name. */
  values(words: BigUint64Array): Record<string, bigint | Uint8Array> {
    const result: Record<string, bigint | Uint8Array> = {};
    for (const { name, word: index } of this.#columns) result[name] = words[index]!;
    const { stack } = this.shape;
    if (stack !== undefined) {
      result['stack'] = new Uint8Array(words.buffer, words.byteOffset + this.#stackAt, stack.size).slice();
    }
    return result;
  }

  /**
   * Checks whole columns: for each a value, an array of values or a function of the index.
   * Returns how to stage the trampoline at an index, and how many there are.
   */
  columns(given: unknown, count: unknown): { count: number; stageAt: (index: number) => void } {
    const columns = record(given, 'columns');
    const { stack } = this.shape;
    const known = [...this.#columns.map(({ name }) => name), ...(stack === undefined ? [] : ['stack'])];
    for (const name of Object.keys(columns)) if (!known.includes(name)) throw this.#unknown(name);
    for (const name of known) if (columns[name] === undefined) throw this.#missing(columns);

    const lengths = new Map<string, number>();
    if (count !== undefined) lengths.set('count', this.count(count));
    const steps: ((index: number) => void)[] = [];
    for (const column of this.#columns) {
      const value = columns[column.name];
      if (value instanceof BigUint64Array) lengths.set(column.name, value.length);
      steps.push(this.#columnStep(column, value));
    }
    if (stack !== undefined) {
      const value = columns['stack'];
      if (value instanceof Uint8Array && value.length !== stack.size)
        lengths.set('stack', value.length / stack.size);
      steps.push(this.#stackStep(value, stack.size));
    }
    const [length, ...others] = lengths.values();
    if (length === undefined)
      throw new TypeError('columns: no column has a length; say how many in a second argument');
    if (others.some((other) => other !== length)) {
      const list = [...lengths].map(([name, number]) => `${name} ${number}`).join(', ');
      throw new RangeError(`columns differ in length: ${list}`);
    }
    return {
      count: length,
      stageAt: (index) => {
        const turn = ++this.#turn;
        for (const step of steps) step(index);
        this.#checkTurn(turn);
      },
    };
  }

  /** Checks a number of trampolines. */
  count(value: unknown): number {
    return integer(value, 'count', { to: 2 ** 32 - 1 });
  }

  #columnStep(column: Column, value: unknown): (index: number) => void {
    const at = column.word;
    if (value instanceof BigUint64Array) {
      if (at === 0) return (index) => this.#stageWord(column, value[index]);
      return (index) => {
        this.words[at] = value[index]!;
      };
    }
    if (typeof value === 'function') return (index) => this.#stageWord(column, value(index));
    this.#stageWord(column, value);
    const constant = this.words[at]!;
    return () => {
      this.words[at] = constant;
    };
  }

  #stackStep(value: unknown, size: number): (index: number) => void {
    if (typeof value === 'function') return (index) => this.#stageStack(value(index));
    if (!(value instanceof Uint8Array)) throw new TypeError(`stack must be a Uint8Array, not ${kind(value)}`);
    if (value.length === size) return () => this.#stageStack(value);
    return (index) => this.#stageStack(value.subarray(index * size, (index + 1) * size));
  }

  #stageWord(column: Column, value: unknown): void {
    // The common case without a call: a bigint that is its own low 64 bits.
    const checked =
      typeof value === 'bigint' && BigInt.asUintN(64, value) === value ? value : word(value, column.name);
    if (column.word === 0 && checked === 0n) throw new RangeError('pc is 0, and nothing can be called there');
    this.words[column.word] = checked;
  }

  #stageOther(name: string, value: unknown): number[] {
    if (name === 'stack' && this.shape.stack !== undefined) return this.#stageStack(value);
    const column = this.#columns.find((candidate) => candidate.name === name);
    if (column === undefined) throw this.#unknown(name);
    this.#stageWord(column, value);
    return [column.word];
  }

  #stageStack(value: unknown): number[] {
    const { size } = this.shape.stack!;
    if (!(value instanceof Uint8Array)) throw new TypeError(`stack must be a Uint8Array, not ${kind(value)}`);
    if (value.length !== size)
      throw new RangeError(`stack has ${value.length} bytes; this table's trampolines have ${size}`);
    this.#bytes.set(value, this.#stackAt);
    return Array.from({ length: Math.ceil(size / 8) }, (_, index) => this.#stackAt / 8 + index);
  }

  #checkTurn(turn: number): void {
    if (turn !== this.#turn)
      throw new TypeError('a value was computed by a function that used the same table');
  }

  #unknown(name: string): RangeError {
    const names = this.#columns.map((column) => column.name);
    if (this.shape.stack !== undefined) names.push('stack');
    return new RangeError(`this table has no "${name}"; its trampolines have ${names.join(', ')}`);
  }

  #missing(values: unknown): TypeError {
    const given = record(values, 'values');
    const names = this.#columns.map(({ name }) => name);
    if (this.shape.stack !== undefined) names.push('stack');
    return new TypeError(`${names.find((name) => given[name] === undefined) ?? 'a value'} is missing`);
  }
}
