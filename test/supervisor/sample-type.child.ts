/** Runs a program under a supervisor that has the sample type: `sample-type program [arguments]`. */
import { fileURLToPath } from 'node:url';
import { runAndExit } from '#src/cli/run.js';

const [program, ...args] = process.argv.slice(2);
const typeModules = [fileURLToPath(new URL('sample-type.js', import.meta.url))];
await runAndExit(program!, args.length, { typeModules });
