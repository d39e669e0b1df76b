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

interface RunOptions extends RunProgramOptions {
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
    .addOption(new Option('--type <module>', 'add an object type').argParser(collect).hideHelp())
    .passThroughOptions()
    .allowExcessArguments(false)
    .action(async (name: string, args: string[], options: RunOptions & { type?: string[] }) => {
      try {
        const { status, signal, stats } = await runProgram(name, args.length, {
          ...options,
          typeModules: options.type ?? [],
        });
        if (options.stats === true) writeLine(2, `trampfd: ${JSON.stringify(stats)}`);
        if (signal !== undefined) raiseDefault(signal);
        // At a normal exit, Node would undo the program's changes of the terminal's settings.
        _exit(status);
      } catch (error) {
        if (!(error instanceof TrampfdError)) {
          console.error('trampfd: the supervisor failed:', error);
          // At a normal exit, Node would wait for threads that may be blocked.
          _exit(EXIT_FAILURE);
          return;
        }
        writeLine(2, `trampfd: ${error.message}`);
        const exitCode = { ENOENT: EXIT_NOT_FOUND, EACCES: EXIT_NOT_EXECUTABLE }[error.code] ?? EXIT_FAILURE;
        _exit(error.syscall === undefined || error.syscall === 'execve' ? exitCode : EXIT_FAILURE);
      }
    });
}

function collect(value: string, previous: string[] = []): string[] {
  return [...previous, value];
}
