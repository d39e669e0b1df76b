/**
 * The ways between JavaScript and C, one file each in `ffi/`:
 *
 * - `open(library)` gives `addInts`, `addDoubles` and `callCallbacks` of `native/calls.c`, and `time`, which calls the
 *   function of that file that measures a callback;
 * - `makeCallback(callee, kind)` gives the address of a callback that lives as long as the process: `ints`, which is
 *   the default, `sixInts`, `doubles`, `point`; nothing when there are none of the kind;
 * - `sumPoint`, if structures arrive as something else than an object with the members' names.
 *
 * Scripts are started as `runtime script way library …` and end with one line of JSON.
 */
import process from 'node:process';

const [way, library, ...rest] = process.argv.slice(2);

export { library, rest };
export const load = () => import(`./ffi/${way}.mjs`);

export function prove(got, expected) {
  if (got !== expected) throw new Error(`${got} instead of ${expected}`);
}

/** Calls each callback of a list, all of which add, and checks that each did. */
export function proveCallbacks(callCallbacks, list) {
  let expected = 0;
  for (let index = 0; index < list.length; index++) expected += (index & 15) + 3;
  prove(callCallbacks(list, list.length), expected);
}

/** Says the result and ends at once: some runtimes wait for callbacks that could still be called. */
export function tell(result) {
  console.log(JSON.stringify(result));
  process.exit();
}
