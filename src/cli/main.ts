#!/usr/bin/env node
/** The command line: one file a command. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { thisMachine } from '../linux/host.js';
import { TrampfdError } from '../trampoline/errors.js';

/** A command is loaded when it is asked for, since `run` delays a program; for a list of them, all are. */
const commands = {
  doctor: async () => (await import('./doctor.js')).addDoctor,
  inspect: async () => (await import('./inspect.js')).addInspect,
  run: async () => (await import('./run.js')).addRun,
};

/** Exit code for a command line that makes no sense. */
const misuse = 2;

const { version, description } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string; description: string };

try {
  thisMachine();
  const program = new Command('trampfd')
    .description(description)
    .version(version)
    .enablePositionalOptions()
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : misuse));
  const wanted = Object.entries(commands).filter(([name]) => name === process.argv[2]);
  for (const [, load] of wanted.length > 0 ? wanted : Object.entries(commands)) (await load())(program);
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof TrampfdError || error instanceof RangeError)) throw error;
  console.error(`trampfd: ${error.message}`);
  process.exitCode = 1;
}
