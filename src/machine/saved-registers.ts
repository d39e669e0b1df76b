import type { PortableRegisterContextName } from '../core/registers.js';

/**
 * Lays out the block in which a handler finds the registers: the 8-byte words in order, then the vector registers of 16
 * bytes. `aliases` are the portable names, except those of vectors, and their words.
 */
export function savedRegisterLayout<Word extends string, Vector extends string>({
  words,
  vectors,
  aliases,
}: {
  readonly words: readonly Word[];
  readonly vectors: readonly Vector[];
  readonly aliases: Readonly<Record<Exclude<PortableRegisterContextName, `vector${number}`>, string>>;
}): {
  readonly size: number;
  readonly offsets: Readonly<Record<Word | Vector | PortableRegisterContextName, number>>;
} {
  const vectorsOffset = 8 * words.length;
  const offsets = Object.fromEntries([
    ...words.map((name, index) => [name, 8 * index]),
    ...vectors.map((name, index) => [name, vectorsOffset + 16 * index]),
  ]);
  const aliasOffsets = Object.fromEntries([
    ...Object.entries(aliases).map(([alias, name]) => [alias, offsets[name]]),
    ...vectors.map((name, index) => [`vector${index}`, offsets[name]]),
  ]);
  return {
    size: vectorsOffset + 16 * vectors.length,
    offsets: Object.freeze({ ...offsets, ...aliasOffsets }),
  };
}
