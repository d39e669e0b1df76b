/** The system that this process runs on. Everything that touches it asks here first. */
import { type Machine, machineFor } from '../machine/index.js';
import { TrampfdError } from '../trampoline/errors.js';

/** Throws unless this is Linux. */
export function requireLinux(): void {
  if (process.platform !== 'linux') {
    throw new TrampfdError(`trampfd needs Linux, and this system is ${process.platform}`, {
      code: 'ERR_UNSUPPORTED',
    });
  }
}

let machine: Machine | undefined;

/** The machine that this process runs on. Throws when trampfd has no code for it. */
export function thisMachine(): Machine {
  requireLinux();
  machine ??= machineFor(process.arch);
  if (machine === undefined) {
    throw new TrampfdError(`trampfd has no code for the architecture ${process.arch}`, {
      code: 'ERR_UNSUPPORTED',
    });
  }
  return machine;
}
