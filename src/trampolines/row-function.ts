/**
 * Functions that encode the values of a trampoline, compiled from the names of a table's registers: V8 reads a property
 * of a fixed name three times as fast as one that a loop names.
 */
import { compile } from '../core/compile.js';
import { memoize } from '../core/lazy.js';

/** The data word of a register. */
export interface WordField {
  /** The caller's name of the register. */
  readonly name: string;
  readonly wordIndex: number;
}

/** Encodes values as words, or changes nothing and returns false: they may be wrong, or need a conversion. */
export type RowFunction = (values: unknown, words: BigUint64Array) => boolean;

/** Returns `undefined` if the process may not compile JavaScript from text. */
export function rowFunctionFor(fields: readonly WordField[]): RowFunction | undefined {
  const variables = fields.map((_, index) => `value${index}`);
  const reads = fields.map(({ name }, index) => `${variables[index]} = values.${name}`);
  const isWord = variables.map(
    (variable) => `typeof ${variable} === 'bigint' && BigInt.asUintN(64, ${variable}) === ${variable}`,
  );
  const writes = fields.map(({ wordIndex }, index) => `words[${wordIndex}] = ${variables[index]};`);
  const pc = variables[fields.findIndex(({ wordIndex }) => wordIndex === 0)]!;
  return compiled(`
    let count = 0;
    for (const name in values) count++;
    if (count !== ${fields.length}) return false;
    const ${reads.join(', ')};
    if (!(${isWord.join(' && ')} && ${pc} !== 0n)) return false;
    ${writes.join(' ')}
    return true;`);
}

/** Tables with the same registers share a function, so that V8 inlines it. */
const compiled = memoize((body: string): RowFunction | undefined => {
  try {
    return compile(['values', 'words'], body) as RowFunction;
  } catch (error) {
    if (error instanceof EvalError) return undefined;
    throw error;
  }
});
