/** The system that this process runs on. Everything that touches it asks here first. */
import { type Machine, machineFor, machines } from '../machine/index.js';
import { TrampfdError } from '../trampoline/errors.js';

let machine: Machine | undefined;

/** The machine that this process runs on. Throws unless this is Linux on an architecture that we know. */
export function thisMachine(): Machine {
  if (machine !== undefined) return machine;
  const { platform, arch } = process;
  machine = platform === 'linux' ? load(arch) : undefined;
  if (machine === undefined) {
    const known = Object.keys(machines).join(' or ');
    const message = `trampfd runs on Linux on ${known}, and this system is ${platform} on ${arch}`;
    throw new TrampfdError(message, { code: 'ERR_UNSUPPORTED' });
  }
  return machine;
}

function load(arch: string): Machine | undefined {
  try {
    return machineFor(arch);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw cause;
    const message = `Cannot find what trampfd has for ${arch} beside its code: bundlers must leave trampfd external`;
    throw new TrampfdError(message, { code: 'ERR_INCOMPLETE', cause });
  }
}
