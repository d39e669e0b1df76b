#!/usr/bin/env node
/** The command line: one file a command. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { thisMachine } from '../linux/host.js';
import { TrampfdError } from '../trampoline/errors.js';
import { addDoctor } from './doctor.js';
import { addInspect } from './inspect.js';
import { addRun } from './run.js';

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
  addDoctor(program);
  addInspect(program);
  addRun(program);
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof TrampfdError || error instanceof RangeError)) throw error;
  console.error(`trampfd: ${error.message}`);
  process.exitCode = 1;
}
