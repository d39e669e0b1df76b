/** Finds the method that made the code at an address by its mapping. */
import type { CodeSource } from '#src/codepage/code-page-method.js';
import { templatePath } from '#src/codepage/template.js';
import { mappingOf } from '#src/linux/process/proc-maps.js';

export function usedMethod(address: bigint): CodeSource {
  const { path, text } = mappingOf(address)!;
  const access = text.split(' ')[1];
  if (access === 'rwxp' && path === '') return 'rwx';
  if (access === 'r-xp' && path === '') return 'remap';
  if (access === 'r-xs' && path === '/memfd:trampfd (deleted)') return 'memfd';
  if (access === 'r-xs' && path === templatePath(process.arch)) return 'template';
  if (access === 'r-xs' && path.endsWith(' (deleted)')) return 'file';
  throw new Error(`No method maps code like this: ${text}`);
}
