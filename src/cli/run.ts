/** `trampfd run`: a program and all that it starts, with the system call of the proposal. */
import { type Command, Option } from 'commander';
import { endBy, exitNow } from '../linux/children.js';
import { type RestrictionName, restrictionNames } from '../linux/restrictions.js';
import { writeLine } from '../supervisor/lines.js';
import { notFound, notRunnable, type StartOptions, start } from '../supervisor/start.js';
import { TrampfdError } from '../trampoline/errors.js';
import { restrictions } from './restrictions.js';

interface RunOptions extends StartOptions {
  readonly harden: RestrictionName[];
  readonly stats?: boolean;
}

/** What `env`, `nice` and others exit with when they fail themselves. */
const failed = 125;

export function addRun(program: Command): void {
  program
    .command('run')
    .description('run a program with trampfd_create(2), and answer its calls')
    .usage('[options] -- program [arguments]')
    .argument('<program>')
    .argument('[arguments...]')
    .option(
      '--harden <restrictions>',
      `restrict it by ${restrictionNames.join(', ')}; several with commas`,
      restrictions,
      [],
    )
    .option('--policy <file>', 'what it may ask for, as JSON (trampfd/policy.schema.json)')
    .option(
      '--audit <file>',
      'append a line of JSON for every call refused with EPERM, and every slow invocation refused',
    )
    .option('--trace', 'write a line to standard error for every call')
    .option('--stats', 'write to standard error what was done, at the end')
    .addOption(
      new Option('--abi <name>', 'also take the calls of the first proposal').choices(['trampfd', 'rfc-v1']),
    )
    .addOption(new Option('--type <module>', 'try out a type of objects').argParser(collect).hideHelp())
    .passThroughOptions()
    .allowExcessArguments(false)
    .action(async (name: string, args: string[], options: RunOptions & { type?: string[] }) => {
      try {
        const { status, signal, stats } = await start(name, args.length, {
          ...options,
          types: options.type ?? [],
        });
        if (options.stats === true) writeLine(2, `trampfd: ${JSON.stringify(stats)}`);
        if (signal !== undefined) endBy(signal);
        // Node would set the terminal back to how it was, whatever the program has made of it.
        exitNow(status);
      } catch (error) {
        if (!(error instanceof TrampfdError)) {
          console.error('trampfd: the supervisor failed:', error);
          // Node would wait for threads that wait for others.
          exitNow(failed);
          return;
        }
        writeLine(2, `trampfd: ${error.message}`);
        const missing = { ENOENT: notFound, EACCES: notRunnable }[error.code] ?? failed;
        exitNow(error.syscall === undefined || error.syscall === 'execve' ? missing : failed);
      }
    });
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}
