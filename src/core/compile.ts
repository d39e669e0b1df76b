/** Compiles JavaScript from text. Callers insert only numbers and names that they have checked. */

/**
 * Returns the function with a body.
 * @throws EvalError if the process forbids it: `--disallow-code-generation-from-strings`
 */
export function compile(parameters: readonly string[], body: string): (...args: unknown[]) => unknown {
  return new Function(...parameters, `'use strict';\n${body}`) as (...args: unknown[]) => unknown;
}
