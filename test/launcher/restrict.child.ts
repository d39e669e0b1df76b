/**
 * Runs a program under restrictions, and exits with its exit code or signal:
 *
 *     node restrict.child.js RESTRICTION,… PROGRAM ARGUMENT…
 */

import { launch } from '#src/launcher/launcher.js';
import { type RestrictionName, restrictionSyscalls } from '#src/launcher/restrictions.js';
import { launcherFailureStatus } from '#src/launcher/syscall-script.js';
import { hostMachine } from '#src/native/host.js';

const [names, program, ...args] = process.argv.slice(2);
const setupSyscalls = restrictionSyscalls(hostMachine(), names!.split(',') as RestrictionName[]);
const launched = launch(program!, args, { setupSyscalls });
launched.process.on('exit', (status, signal) => {
  if (signal === null) process.exitCode = status ?? 1;
  else process.kill(process.pid, signal);
});
launched.started.catch((error: Error) => {
  console.error(error.message);
  process.exitCode = launcherFailureStatus;
});
