/** The system that this process runs on. Everything that touches it asks here first. */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TrampfdError } from '../core/errors.js';
import { type Machine, machineFor, machines } from '../machine/index.js';

let machine: Machine | undefined;

/**
 * The machine that this process runs on. Throws unless this is Linux on an architecture that we know, and unless the
 * package's files are where they belong.
 */
export function hostMachine(): Machine {
  if (machine !== undefined) return machine;
  const { platform, arch } = process;
  const known = platform === 'linux' ? machineFor(arch) : undefined;
  if (known === undefined) {
    const names = Object.keys(machines).join(' or ');
    const message = `trampfd runs on Linux on ${names}, and this system is ${platform} on ${arch}`;
    throw new TrampfdError(message, { code: 'ERR_UNSUPPORTED' });
  }
  assertNativeFiles();
  machine = known;
  return machine;
}

/** A bundler takes the code along, and leaves behind what the code finds beside it: native files and threads. */
function assertNativeFiles(): void {
  if (existsSync(new URL('../native', import.meta.url))) return;
  const place = fileURLToPath(import.meta.url);
  const message =
    `Cannot use trampfd from ${place}: it has native files, which a bundler does not take along. ` +
    'Leave trampfd out of the bundle ("external")';
  throw new TrampfdError(message, { code: 'ERR_BUNDLED' });
}
