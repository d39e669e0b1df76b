/** The FFI library. Only this file loads koffi. */
import { createRequire } from 'node:module';
import type Koffi from 'koffi';
import { TrampfdError } from '../core/errors.js';
import { hostMachine } from './host.js';

let koffiModule: typeof Koffi | undefined;

/**
 * Loads koffi at the first call, so that this package can be imported on systems that koffi does not support. It loads the
 * native module alone: koffi's own package has an install script, which package managers refuse or ask about.
 */
export function koffi(): typeof Koffi {
  if (koffiModule !== undefined) return koffiModule;
  hostMachine();
  const name = `@koromix/koffi-linux-${process.arch}`;
  try {
    koffiModule = createRequire(import.meta.url)(name) as typeof Koffi;
  } catch (cause) {
    const message = `Cannot load ${name}: ${(cause as Error).message.split('\n')[0]}. Install trampfd with its optional dependencies`;
    throw new TrampfdError(message, { code: 'ERR_TRAMPFD_LIBRARY', cause });
  }
  return koffiModule;
}
