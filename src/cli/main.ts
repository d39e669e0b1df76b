#!/usr/bin/env node
/** The command line: one file per command. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { TrampfdError } from '../core/errors.js';
import { hostMachine } from '../native/host.js';

/** Only the command in use is loaded, so that `run` starts quickly; all of them for the list in --help. */
const commands = {
  doctor: async () => (await import('./doctor.js')).addDoctor,
  inspect: async () => (await import('./inspect.js')).addInspect,
  run: async () => (await import('./run.js')).addRun,
};

/** Exit code for an invalid command line. */
const EXIT_USAGE = 2;

const { version, description } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string; description: string };

async function main(): Promise<void> {
  try {
    hostMachine();
    const program = new Command('trampfd')
      .description(description)
      .version(version)
      .enablePositionalOptions()
      .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : EXIT_USAGE));
    const requested = Object.entries(commands).filter(([name]) => name === process.argv[2]);
    for (const [, load] of requested.length > 0 ? requested : Object.entries(commands))
      (await load())(program);
    await program.parseAsync();
  } catch (error) {
    if (!(error instanceof TrampfdError || error instanceof RangeError)) throw error;
    console.error(`trampfd: ${error.message}`);
    process.exitCode = 1;
  }
}

// No `await` here: the package's code is CommonJS.
void main();
