/**
 * Runs a program under restrictions, and ends as it ends:
 *
 *     node restrict.child.js RESTRICTION,… PROGRAM ARGUMENT…
 */
import { thisMachine } from '#src/linux/host.js';
import { launch, launchFailed } from '#src/linux/launch.js';
import { type RestrictionName, restrictionCalls } from '#src/linux/restrictions.js';

const [names, program, ...args] = process.argv.slice(2);
const before = restrictionCalls(thisMachine(), names!.split(',') as RestrictionName[]);
const launched = launch(program!, args, { before });
launched.process.on('exit', (status, signal) => {
  if (signal === null) process.exitCode = status ?? 1;
  else process.kill(process.pid, signal);
});
launched.started.catch((error: Error) => {
  console.error(error.message);
  process.exitCode = launchFailed;
});
