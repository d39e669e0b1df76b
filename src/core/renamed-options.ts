/** Options that had another name before version 1, or became something else. */

interface Replacement {
  /** The replacement is for functions that accept this option. */
  readonly accepted: string;
  /** Default: to use the accepted option. */
  readonly advice?: string;
}

const replacements: Readonly<Record<string, readonly Replacement[]>> = {
  stack: [{ accepted: 'stackData' }, { accepted: 'fiber' }],
  method: [{ accepted: 'codeSource' }],
  threads: [{ accepted: 'crossThread' }],
  await: [{ accepted: 'awaitResult' }],
  async: [{ accepted: 'fiber', advice: 'call fn.async(…)' }],
  harden: [{ accepted: 'restrictions' }],
  under: [{ accepted: 'restrictions' }],
};

/** Returns what to do instead of using an old option, if a function with the options `known` has a replacement. */
export function renamedOptionAdvice(oldName: string, known: readonly string[]): string | undefined {
  if (!Object.hasOwn(replacements, oldName)) return undefined;
  const replacement = replacements[oldName]!.find(({ accepted }) => known.includes(accepted));
  return replacement && (replacement.advice ?? `use ${replacement.accepted}`);
}
