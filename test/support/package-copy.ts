/** Copies of the built package that tests damage. They are below the repository, so that imports of packages work. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));

export interface PackageCopy {
  /** Returns a path in the copy's `dist`. */
  dist(...path: string[]): string;
  remove(): void;
}

export function copyPackage(): PackageCopy {
  const folder = mkdtempSync(join(root, 'build/copy-'));
  for (const part of ['dist', 'package.json'])
    cpSync(join(root, part), join(folder, part), { recursive: true });
  return {
    dist: (...path) => join(folder, 'dist', ...path),
    remove: () => rmSync(folder, { recursive: true }),
  };
}
