/** The system that this process runs on. Everything that touches it asks here first. */

import { TrampfdError } from '../core/errors.js';
import { type Machine, machineFor, machines } from '../machine/index.js';

let machine: Machine | undefined;

/** The machine that this process runs on. Throws unless this is Linux on an architecture that we know. */
export function hostMachine(): Machine {
  if (machine !== undefined) return machine;
  const { platform, arch } = process;
  machine = platform === 'linux' ? machineFor(arch) : undefined;
  if (machine === undefined) {
    const known = Object.keys(machines).join(' or ');
    const message = `trampfd runs on Linux on ${known}, and this system is ${platform} on ${arch}`;
    throw new TrampfdError(message, { code: 'ERR_UNSUPPORTED' });
  }
  return machine;
}
