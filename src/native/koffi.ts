/** The FFI library. Only this file imports koffi. */
import { createRequire } from 'node:module';
import type Koffi from 'koffi';
import { hostMachine } from './host.js';

let koffiModule: typeof Koffi | undefined;

/** Loads koffi at the first call, so that this package can be imported on systems that koffi does not support. */
export function koffi(): typeof Koffi {
  if (koffiModule === undefined) {
    hostMachine();
    koffiModule = createRequire(import.meta.url)('koffi') as typeof Koffi;
  }
  return koffiModule;
}
