/** The C programs of `test/programs/supervised`. */
import { compileProgram } from './compile.js';

/** Compiles a program and returns its path. `-lutil` has openpty(3). */
export function supervisedProgram(name: string): string {
  return compileProgram(`supervised-${name}`, [`supervised/${name}.c`], ['-lutil']);
}

/** Compiles a program with a slow object, so that the supervisor traces it. */
export function tracedProgram(name: string): string {
  const files = [`supervised/${name}.c`, 'supervised/traced.c'];
  return compileProgram(`supervised-${name}-traced`, files, ['-lutil']);
}
