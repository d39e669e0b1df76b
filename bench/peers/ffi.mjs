/**
 * Loads an FFI library. Each file of `ffi/` exports:
 *
 * - `open(library)`: returns functions of `native/calls.c`, `pointerTo`, which returns the address of a view for `readInt`,
 *   and `time`, which calls a function of that file that measures a callback;
 * - `makeCallback(callee, kind)`: returns the address of a callback that is never freed, or `undefined` if the library
 *   does not support its types; `kind` is `ints` (default), `sixInts`, `doubles` or `point`;
 * - `sumPoint`, unless structures are passed as objects.
 *
 * The scripts run as `runtime script ffi library …` and print one line of JSON.
 */
import process from 'node:process';

const [ffi, library, ...rest] = process.argv.slice(2);

export { library, rest };
export const load = () => import(`./ffi/${ffi}.mjs`);

export function assertEqual(actual, expected) {
  if (actual !== expected) throw new Error(`${actual} instead of ${expected}`);
}

/** Calls each callback of a list and checks that each added its arguments. */
export function checkCallbacks(callCallbacks, list) {
  let expected = 0;
  for (let index = 0; index < list.length; index++) expected += (index & 15) + 3;
  assertEqual(callCallbacks(list, list.length), expected);
}

/** Prints the result and exits, since open callbacks keep some runtimes alive. */
export function printAndExit(result) {
  console.log(JSON.stringify(result));
  process.exit();
}
