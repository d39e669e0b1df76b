/** All methods, and the ladder of those that are tried when the caller names none. */
import { isShortage } from '../linux/errno.js';
import { TrampfdError } from '../trampoline/errors.js';
import { oneOf } from '../trampoline/values.js';
import { file } from './file.js';
import { memfd } from './memfd.js';
import type { CodePageMethod, CodePageMethodName } from './method.js';
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
const standardLadder: readonly CodePageMethod[] = [memfd, template, file, trampfd];

function ladder(): readonly CodePageMethod[] {
  const named = process.env['TRAMPFD_METHODS'] ?? '';
  if (named === '') return standardLadder;
  return named.split(',').map((name) => methods[oneOf(name, 'TRAMPFD_METHODS', methodNames)]);
}

/**
 * Makes something by the method that is named, or by the first of the ladder that can.
 * @throws TrampfdError with what every method that was tried had against it
 */
export function byMethod<Result>(
  name: CodePageMethodName | undefined,
  make: (method: CodePageMethod) => Result,
): Result {
  if (name !== undefined) return make(methods[name]);
  const refusals: { readonly name: string; readonly error: TrampfdError }[] = [];
  for (const method of ladder()) {
    try {
      return make(method);
    } catch (error) {
      // A lack that may pass is no reason to go down the ladder for good.
      if (!(error instanceof TrampfdError) || isShortage(error)) throw error;
      refusals.push({ name: method.name, error });
    }
  }
  const list = refusals.map((refusal) => `\n  ${refusal.name}: ${refusal.error.message}`).join('');
  const { code, errno, syscall } = refusals[0]!.error;
  const message = `Cannot make a code page: every method is refused; "trampfd doctor" tells by whom${list}`;
  throw new TrampfdError(message, { code, errno, syscall, cause: refusals.map(({ error }) => error) });
}
