/** The machine that this process runs on. */
import { TrampfdError } from '../core/errors.js';
import { type Machine, machineFor, machines } from '../machine/index.js';
import { assertNativeFiles } from './files.js';

let machine: Machine | undefined;

/**
 * Returns the description of this machine. Throws unless this is Linux on a supported architecture, and the package's
 * native files are beside its code.
 */
export function hostMachine(): Machine {
  if (machine !== undefined) return machine;
  const { platform, arch } = process;
  const known = platform === 'linux' ? machineFor(arch) : undefined;
  if (known === undefined) {
    const supported = Object.keys(machines).join(' or ');
    const message = `trampfd runs on Linux on ${supported}, and this system is ${platform} on ${arch}`;
    throw new TrampfdError(message, { code: 'ERR_TRAMPFD_UNSUPPORTED' });
  }
  assertNativeFiles();
  machine = known;
  return machine;
}
