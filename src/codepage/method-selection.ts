/** All code page methods, and the order in which they are tried if the caller names none. */

import { TrampfdError } from '../core/errors.js';
import { oneOf } from '../core/validate.js';
import { isResourceExhausted } from '../native/errno.js';
import type { CodePageMethod, CodeSource } from './code-page-method.js';
import { file } from './file.js';
import { memfd } from './memfd.js';
import { remap } from './remap.js';
import { rwx } from './rwx.js';
import { template } from './template.js';
import { trampfd } from './trampfd.js';

export const methods: Readonly<Record<CodeSource, CodePageMethod>> = {
  memfd,
  template,
  // Rarely used: getters, so that the bundle loads the code at the first use.
  get file() {
    return file;
  },
  get trampfd() {
    return trampfd;
  },
  get rwx() {
    return rwx;
  },
  get remap() {
    return remap;
  },
};
export const methodNames = Object.keys(methods) as CodeSource[];

/**
 * The methods that need no memory that is both writable and executable, at once or in turn. Strongest guarantee
 * first; the supervisor is last because it needs a round trip to another process. The environment variable
 * `TRAMPFD_METHODS` replaces the list: names, separated by commas.
 */
export const defaultMethodNames = ['memfd', 'template', 'file', 'trampfd'] as const;

function methodOrder(): readonly CodeSource[] {
  const override = process.env['TRAMPFD_METHODS'] ?? '';
  if (override === '') return defaultMethodNames;
  return override.split(',').map((name) => oneOf(name, 'TRAMPFD_METHODS', methodNames));
}

/**
 * Calls `create` with the named method or, without a name, with one method after another until it succeeds.
 * @throws TrampfdError with the error of every method tried
 */
export function withFirstWorkingMethod<Result>(
  name: CodeSource | undefined,
  create: (method: CodePageMethod) => Result,
): Result {
  if (name !== undefined) return create(methods[name]);
  const failures: { readonly name: string; readonly error: TrampfdError }[] = [];
  for (const name of methodOrder()) {
    try {
      return create(methods[name]);
    } catch (error) {
      // A transient lack of resources must not select a weaker method permanently.
      if (!(error instanceof TrampfdError) || isResourceExhausted(error)) throw error;
      failures.push({ name, error });
    }
  }
  const reasons = failures.map((failure) => `\n  ${failure.name}: ${failure.error.message}`).join('');
  const { code, errno, syscall } = failures[0]!.error;
  const message = `Cannot create a code page: every method failed; run "trampfd doctor" to see why${reasons}`;
  throw new TrampfdError(message, { code, errno, syscall, cause: failures.map(({ error }) => error) });
}
