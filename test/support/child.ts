/** Runs scripts in child processes, so that they may crash. */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** First lines of every script. */
const prelude = `
  import koffi from './build/test/support/koffi.js';
  import * as trampfd from 'trampfd';
  const { createTrampoline, createTrampolineTable, symbolAddress } = trampfd;
  const call = (address) => koffi.call(address, koffi.proto('int64_t ()'));
`;

/** Runs an ES module with the Node of this process, and waits for its end. */
export function runScript(
  script: string,
  {
    env = {},
    under = [],
    nodeOptions = [],
  }: { env?: Record<string, string>; under?: readonly string[]; nodeOptions?: readonly string[] } = {},
): SpawnSyncReturns<string> {
  const node = [process.execPath, ...nodeOptions, '--input-type=module', '--eval', prelude + script];
  const [command, ...args] = [...under, ...node];
  const result = spawnSync(command!, args, { cwd: root, encoding: 'utf8', env: { ...process.env, ...env } });
  return { ...result, stderr: ownErrors(result.stderr) };
}

/**
 * Runs a script of the tests (`*.child.js`).
 * @param script its path below `test/`, without `.child.js`
 */
export function runChild(
  script: string,
  args: readonly string[],
  nodeOptions: readonly string[] = [],
): SpawnSyncReturns<string> {
  const path = fileURLToPath(new URL(`../${script}.child.js`, import.meta.url));
  return spawnSync(process.execPath, [...nodeOptions, path, ...args], { encoding: 'utf8' });
}

/** Removes the messages of V8 about `--jitless`, and of qemu-user about signals, from standard error. */
export function ownErrors(stderr: string): string {
  return stderr.replaceAll(
    /^(Warning: disabling flag --expose_wasm|qemu: uncaught target signal ).*\n/gm,
    '',
  );
}
