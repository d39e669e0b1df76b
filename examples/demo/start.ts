/**
 * Runs the demo on a system as closed as this one lets a program be: under a supervisor, with every restriction
 * that can be had, without a compiler in Node, and with a policy that takes away the code that the package brings.
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
const wanted: readonly RestrictionName[] = ['mdwe', 'no-memfd', 'noexec-tmp', 'no-own-code'];

/** Why a small program cannot be run like that; nothing when it can. */
async function whyNot(
  restrictions: readonly RestrictionName[],
  policy?: string,
): Promise<string | undefined> {
  const options = policy === undefined ? { restrictions } : { restrictions, policy };
  const child = spawnSupervised(process.execPath, ['--jitless', probe], {
    ...options,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const [status] = await once(child, 'close');
  return status === 0 ? undefined : (said.trim().split('\n').at(-1) ?? `exit code ${status}`);
}

/** What can be had here, and what not and why. */
async function findPossible() {
  const missing: string[] = [];
  let restrictions = [...wanted];
  const without = await whyNot([]);
  if (without !== undefined)
    return { supervised: false, restrictions: [], policy: undefined, missing: [without] };
  if ((await whyNot(restrictions, policy)) === undefined)
    return { supervised: true, restrictions, policy, missing };
  restrictions = [];
  for (const name of wanted) {
    const reason = await whyNot([...restrictions, name]);
    if (reason === undefined) restrictions.push(name);
    else missing.push(`${name}: ${reason}`);
  }
  const reason = await whyNot(restrictions, policy);
  if (reason !== undefined) missing.push(`the policy: ${reason}`);
  return { supervised: true, restrictions, policy: reason === undefined ? policy : undefined, missing };
}

try {
  // Compiled before: under the restrictions nothing could be.
  compileNested();
  const { supervised, restrictions, policy, missing } = await findPossible();
  for (const reason of missing) console.log(`Left out, since this system does not allow it. ${reason}`);
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
