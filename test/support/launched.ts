/** Runs a program by way of the launcher, and gathers what it says. */

import { thisMachine } from '#src/linux/host.js';
import { type LaunchOptions, launch } from '#src/linux/launch.js';
import { type RestrictionName, restrictionCalls } from '#src/linux/restrictions.js';

export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Under restrictions, or with other calls made before it. */
export async function launched(
  path: string,
  args: readonly string[],
  { under = [], ...options }: LaunchOptions & { readonly under?: readonly RestrictionName[] } = {},
): Promise<Ended> {
  const before = [...(options.before ?? []), ...restrictionCalls(thisMachine(), under)];
  const { process: child, started } = launch(path, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
    before,
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]!.setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (status, signal) => resolve({ status, signal, ...output }));
  });
  await started;
  return ended;
}
