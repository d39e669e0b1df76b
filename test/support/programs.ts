/** The C programs of `test/programs/supervised`. */
import { compileProgram } from './compile.js';

/** Compiles one; returns its path. Some open terminals: `-lutil`. */
export function supervisedProgram(name: string): string {
  return compileProgram(`supervised-${name}`, [`supervised/${name}.c`], ['-lutil']);
}

/** One that has a slow object, so that the supervisor traces it. */
export function tracedProgram(name: string): string {
  const files = [`supervised/${name}.c`, 'supervised/traced.c'];
  return compileProgram(`supervised-${name}-traced`, files, ['-lutil']);
}
