/** Files that the package ships besides its code. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TrampfdError } from '../core/errors.js';

/** The variable that names their folder, for programs that contain this code without the package. */
const variable = 'TRAMPFD_NATIVE';

let folder: string | undefined;

/** Returns their folder. */
export function nativeFolder(): string {
  const named = process.env[variable];
  folder ??=
    named === undefined || named === '' ? fileURLToPath(new URL('../native', import.meta.url)) : named;
  return folder;
}

/** Returns the path of a file. */
export function nativeFile(name: string): string {
  return join(nativeFolder(), name);
}

/** Throws unless the folder is there: a bundler copies the code alone. */
export function assertNativeFiles(): void {
  if (existsSync(nativeFolder())) return;
  const message =
    `Cannot use trampfd: its native files are not in ${nativeFolder()}. ` +
    `Exclude trampfd from the bundle ("external"), or name their folder in ${variable}`;
  throw new TrampfdError(message, { code: 'ERR_TRAMPFD_BUNDLED' });
}
