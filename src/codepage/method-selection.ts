/** All methods, and the ladder of those that are tried when the caller names none. */

import { TrampfdError } from '../core/errors.js';
import { oneOf } from '../core/validate.js';
import { isResourceExhausted } from '../native/errno.js';
import type { CodePageMethod, CodePageMethodName } from './code-page-method.js';
import { file } from './file.js';
import { memfd } from './memfd.js';
import { remap } from './remap.js';
import { rwx } from './rwx.js';
import { template } from './template.js';
import { trampfd } from './trampfd.js';

export const methods: Readonly<Record<CodePageMethodName, CodePageMethod>> = {
  memfd,
  template,
  file,
  trampfd,
  rwx,
  remap,
};
export const methodNames = Object.keys(methods) as CodePageMethodName[];

/**
 * From the strongest guarantee down, and what asks somebody else last. Never one that needs writable code.
 * The environment variable `TRAMPFD_METHODS` replaces it: names with commas between.
 */
const defaultMethods: readonly CodePageMethod[] = [memfd, template, file, trampfd];

function methodOrder(): readonly CodePageMethod[] {
  const override = process.env['TRAMPFD_METHODS'] ?? '';
  if (override === '') return defaultMethods;
  return override.split(',').map((name) => methods[oneOf(name, 'TRAMPFD_METHODS', methodNames)]);
}

/**
 * Makes something by the method that is named, or by the first of the ladder that can.
 * @throws TrampfdError with what every method that was tried had against it
 */
export function withFirstWorkingMethod<Result>(
  name: CodePageMethodName | undefined,
  create: (method: CodePageMethod) => Result,
): Result {
  if (name !== undefined) return create(methods[name]);
  const failures: { readonly name: string; readonly error: TrampfdError }[] = [];
  for (const method of methodOrder()) {
    try {
      return create(method);
    } catch (error) {
      // A lack that may pass is no reason to go down the ladder for good.
      if (!(error instanceof TrampfdError) || isResourceExhausted(error)) throw error;
      failures.push({ name: method.name, error });
    }
  }
  const reasons = failures.map((failure) => `\n  ${failure.name}: ${failure.error.message}`).join('');
  const { code, errno, syscall } = failures[0]!.error;
  const message = `Cannot make a code page: every method is refused; "trampfd doctor" tells by whom${reasons}`;
  throw new TrampfdError(message, { code, errno, syscall, cause: failures.map(({ error }) => error) });
}
