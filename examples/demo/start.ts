/**
 * Runs the demo under all restrictions that this system supports: under a supervisor, without JIT code in Node, and with
 * a policy that excludes the code files of the package.
 *
 *     npm start [-- some-file]
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { TrampfdError } from 'trampfd';
import { type RestrictionName, spawnSupervised } from 'trampfd/supervisor';
import { compileNested } from './nested.js';

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const [main, probe] = [path('./main.js'), path('./probe.js')];
const policy = path('../../../examples/demo/policy.json');
const allRestrictions: readonly RestrictionName[] = ['mdwe', 'no-memfd', 'noexec-tmp', 'no-own-code'];

/** Returns the reason if a small program cannot run like this. */
async function failureReason(
  restrictions: readonly RestrictionName[],
  policy?: string,
): Promise<string | undefined> {
  const options = policy === undefined ? { restrictions } : { restrictions, policy };
  const child = spawnSupervised(process.execPath, ['--jitless', probe], {
    ...options,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const [status] = await once(child, 'close');
  return status === 0 ? undefined : (errors.trim().split('\n').at(-1) ?? `exit code ${status}`);
}

/** Finds the restrictions that work on this system, and the reasons why others do not. */
async function findRestrictions() {
  const missing: string[] = [];
  let restrictions = [...allRestrictions];
  const without = await failureReason([]);
  if (without !== undefined)
    return { supervised: false, restrictions: [], policy: undefined, missing: [without] };
  if ((await failureReason(restrictions, policy)) === undefined)
    return { supervised: true, restrictions, policy, missing };
  restrictions = [];
  for (const name of allRestrictions) {
    const reason = await failureReason([...restrictions, name]);
    if (reason === undefined) restrictions.push(name);
    else missing.push(`${name}: ${reason}`);
  }
  const reason = await failureReason(restrictions, policy);
  if (reason !== undefined) missing.push(`the policy: ${reason}`);
  return { supervised: true, restrictions, policy: reason === undefined ? policy : undefined, missing };
}

try {
  // Compiled here, since the restrictions forbid it.
  compileNested();
  const { supervised, restrictions, policy, missing } = await findRestrictions();
  for (const reason of missing) console.log(`Skipped, since this system does not support it: ${reason}`);
  const args = ['--jitless', main, ...process.argv.slice(2)];
  if (!supervised) {
    process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;
  } else {
    console.log(`trampfd run --harden ${restrictions.join(',') || '(nothing)'} -- node --jitless …`);
    const child = spawnSupervised(
      process.execPath,
      args,
      policy === undefined ? { restrictions } : { restrictions, policy },
    );
    [process.exitCode] = (await once(child, 'exit')) as [number];
  }
} catch (error) {
  if (!(error instanceof TrampfdError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
