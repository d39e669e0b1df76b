/** Programs of `test/programs/supervised` that end in `EXIT-SUCCESS`. */
import assert from 'node:assert/strict';
import { compileProgram } from './compile.js';
import { type Outcome, runSupervised, type SupervisedOptions } from './supervised.js';

const root = process.getuid?.() === 0;

/** This user and, if this is root, an ordinary user. */
export const people: readonly { readonly name: string; readonly ids: SupervisedOptions['ids'] & object }[] = [
  { name: root ? 'root' : 'this user', ids: {} },
  ...(root ? [{ name: 'an ordinary user', ids: { uid: 65534, gid: 65534 } }] : []),
];

/** For a test's `skip`. */
export const needsRoot = !root && 'needs root';

export function program(name: string): string {
  return compileProgram(`supervised-${name}`, [`supervised/${name}.c`]);
}

/** Runs a program under the supervisor and checks its success. Returns its output. */
export async function succeed(
  name: string,
  args: readonly string[] = [],
  options: SupervisedOptions = {},
): Promise<string> {
  return success(await runSupervised(program(name), args, options));
}

/** Checks that a program succeeded. Returns its output. */
export function success({ status, signal, stdout, stderr }: Outcome): string {
  assert.deepEqual({ status, signal }, { status: 0, signal: null }, stdout + stderr);
  assert.match(stdout, /^EXIT-SUCCESS\n$/m);
  return stdout;
}
