/**
 * The command: one file that is a shell script and JavaScript at once. Node changes what a program inherits before any
 * JavaScript runs, so the system has to start a shell (src/cli/trampfd.sh says why); and Yarn runs the commands of
 * packages by Node, whatever their first line says. Then the JavaScript goes on with what Node has left.
 */

/** @param script a shell script that ends by running `main.js`, which is beside it, in place of itself */
export function command(script: string): string {
  const first = '#!/usr/bin/env sh\n';
  if (!script.startsWith(first)) throw new Error('the command is no shell script');
  if (script.includes('*/'))
    throw new Error('the shell script would end the comment that hides it from JavaScript');
  // For the shell `:` does nothing, whatever its arguments are; for JavaScript it is a string, and a comment begins.
  return `${first}':' /*\n${script.slice(first.length)}*/;\nrequire('./main.js');\n`;
}
