/** Random numbers that nobody can guess, a word at a time. */
const words = new BigUint64Array(512);
let next = words.length;

export function randomWord(): bigint {
  if (next === words.length) {
    // Loaded when it is needed, as in spawn.ts.
    process.getBuiltinModule('node:crypto').randomFillSync(words);
    next = 0;
  }
  return words[next++]!;
}
