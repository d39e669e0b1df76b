/**
 * The command: one file that is both a shell script and JavaScript. Node changes inherited state before any JavaScript
 * runs, so the system must start a shell (see src/cli/trampfd.sh). But Yarn runs the commands of packages with Node,
 * whatever their first line is. In that case the JavaScript continues with the state that Node left.
 */

/** @param script a shell script that ends by running `main.js`, which is beside it, in place of itself */
export function command(script: string): string {
  const first = '#!/usr/bin/env sh\n';
  if (!script.startsWith(first)) throw new Error('the command is not a shell script');
  if (script.includes('*/'))
    throw new Error('the shell script would end the comment that hides it from JavaScript');
  // For the shell `:` does nothing, whatever its arguments are; for JavaScript it is a string, and a comment begins.
  return `${first}':' /*\n${script.slice(first.length)}*/;\nrequire('./main.js');\n`;
}
