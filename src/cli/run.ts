/** `trampfd run`: runs a program and its descendants with the proposed system call. */
import { type Command, Option } from 'commander';
import { TrampfdError } from '../core/errors.js';
import { type RestrictionName, restrictionNames } from '../launcher/restrictions.js';
import { raiseDefault } from '../linux/process/kill.js';
import { _exit } from '../linux/process/self.js';
import { writeLine } from '../supervisor/process/write-line.js';
import {
  EXIT_NOT_EXECUTABLE,
  EXIT_NOT_FOUND,
  type RunProgramOptions,
  runProgram,
} from '../supervisor/run-program.js';
import { parseRestrictions } from './restrictions.js';

interface CommandOptions extends Omit<RunProgramOptions, 'restrictions' | 'typeModules'> {
  readonly harden: RestrictionName[];
  readonly stats?: boolean;
}

/** Exit code if `run` itself fails, as that of env(1) and nice(1). */
const EXIT_FAILURE = 125;

export function addRun(program: Command): void {
  program
    .command('run')
    .description('run a program with trampfd_create(2), which trampfd implements')
    .usage('[options] -- program [arguments]')
    .argument('<program>')
    .argument('[arguments...]')
    .option(
      '--harden <restrictions>',
      `restrict it by ${restrictionNames.join(', ')}; separate several by commas`,
      parseRestrictions,
      [],
    )
    .option('--policy <file>', 'what it may request, as JSON (trampfd/policy.schema.json)')
    .option(
      '--audit <file>',
      'append a line of JSON for each call refused with EPERM, and each slow invocation refused',
    )
    .option('--trace', 'write a line to standard error for each call')
    .option('--stats', 'write counts to standard error at the end')
    .addOption(
      new Option('--abi <name>', 'also handle the system call of the first proposal').choices([
        'trampfd',
        'rfc-v1',
      ]),
    )
    .passThroughOptions()
    .allowExcessArguments(false)
    .action((name: string, args: string[], { harden, ...options }: CommandOptions) =>
      runAndExit(name, args.length, { ...options, restrictions: harden }),
    );
}

/** Runs a program supervised, and ends this process as the program ended. */
export async function runAndExit(
  name: string,
  argCount: number,
  options: RunProgramOptions & { readonly stats?: boolean },
): Promise<void> {
  try {
    const { status, signal, stats } = await runProgram(name, argCount, options);
    if (options.stats === true) writeLine(2, `trampfd: ${JSON.stringify(stats)}`);
    if (signal !== undefined) raiseDefault(signal);
    // Node's exit would restore the terminal's former settings, over those that the program made.
    _exit(status);
  } catch (error) {
    if (!(error instanceof TrampfdError)) {
      console.error('trampfd: the supervisor failed:', error);
      // Node's exit would wait for threads that wait for others.
      _exit(EXIT_FAILURE);
      return;
    }
    writeLine(2, `trampfd: ${error.message}`);
    const exitCode = { ENOENT: EXIT_NOT_FOUND, EACCES: EXIT_NOT_EXECUTABLE }[error.code] ?? EXIT_FAILURE;
    _exit(error.syscall === undefined || error.syscall === 'execve' ? exitCode : EXIT_FAILURE);
  }
}
