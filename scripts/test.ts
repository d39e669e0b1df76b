/**
 * Runs the tests.
 *
 *     node build/scripts/test.js [--long] [--record] [--mdwe] [--nodes] [--methods] [--arm64] [part of a path…]
 *
 * --long     runs random tests with their full number of rounds
 * --record   stores the counts of each file for --arm64
 * --mdwe     runs under PR_SET_MDWE, which needs `node --jitless`
 * --nodes    runs on each other supported release of Node, from the npm registry
 * --methods  runs tests of trampolines (by default `trampolines/`) once for each code page method
 * --arm64    runs on arm64's Node with arm64's compiler, by qemu-user on another architecture
 *
 * Each part must occur in the path of a test file below `test/`. If `TRAMPFD_NO_SKIP` is set, a skipped test is a
 * failure, unless the test is about another architecture. `NODE_OPTIONS` can hold more options of Node.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compileProgram } from '../test/support/compile.js';
import { provideArm64 } from './emulation.js';
import { ensureTools } from './ensure-tools.js';
import { runTests, testFiles } from './run-tests.js';
import { compareCounts } from './test-counts.js';

const script = fileURLToPath(import.meta.url);
const root = fileURLToPath(new URL('../..', import.meta.url));

const { values, positionals } = parseArgs({
  options: {
    long: { type: 'boolean' },
    record: { type: 'boolean' },
    mdwe: { type: 'boolean' },
    nodes: { type: 'boolean' },
    methods: { type: 'boolean' },
    arm64: { type: 'boolean' },
  },
  allowPositionals: true,
});
const isSelected = (file: string): boolean => positionals.every((part) => file.includes(part));

if (process.platform !== 'linux') {
  console.error(`The tests need Linux; this system is ${process.platform}.`);
  process.exit(1);
}
// The emulated process inherits the tools that --arm64 has installed.
if ((process.env['TRAMPFD_EMULATED'] ?? '') === '') ensureTools({ 'ffi.h': 'libffi-dev' });
if (values.long === true) process.env['TRAMPFD_LONG'] = '1';
if (values.nodes === true) process.exitCode = onOtherNodes();
else if (values.mdwe === true) process.exitCode = underMdwe();
else if (values.methods === true) process.exitCode = byEachMethod();
else if (values.arm64 === true && process.arch !== 'arm64') process.exitCode = onArm64();
else await runTests(testFiles(isSelected), values.record === true);

/** Uses the newest release of each major version. */
function onOtherNodes(): number {
  return Math.max(
    ...['22', '24', '26'].map((major) => {
      const folder = join(root, 'build/nodes', major);
      const node = join(folder, `node_modules/node-linux-${process.arch}/bin/node`);
      if (!existsSync(node)) {
        mkdirSync(folder, { recursive: true });
        const name = `node-linux-${process.arch}@${major}`;
        execFileSync('npm', ['install', '--silent', '--no-save', '--prefix', folder, name], {
          stdio: 'inherit',
        });
      }
      console.log(`\n== ${execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()}`);
      return runAgain(node, []);
    }),
  );
}

/** Shapes that `template` does not contain are made by `file`. */
function byEachMethod(): number {
  const parts = positionals.length === 0 ? ['trampolines/'] : positionals;
  return Math.max(
    underSupervisor(parts),
    ...['memfd', 'template,file', 'file', 'rwx', 'remap'].map((methods) => {
      console.log(`\n== TRAMPFD_METHODS=${methods}`);
      process.env['TRAMPFD_METHODS'] = methods;
      return runAgain(process.execPath, [], parts);
    }),
  );
}

/** The supervisor makes the code of tables only; other code is made by `file`. */
function underSupervisor(parts: readonly string[]): number {
  console.log('\n== TRAMPFD_METHODS=trampfd,file, under trampfd run');
  process.env['TRAMPFD_METHODS'] = 'trampfd,file';
  const command = join(root, 'dist/bundle/trampfd.js');
  return runAgain(command, ['run', '--', process.execPath], parts);
}

function onArm64(): number {
  const emulation = provideArm64();
  if (typeof emulation === 'string') {
    console.log(`skipped: tests on arm64: ${emulation}`);
    return (process.env['TRAMPFD_NO_SKIP'] ?? '') === '' ? 0 : 1;
  }
  Object.assign(process.env, emulation.env);
  const { status } = spawnSync(emulation.node, [script, '--record', ...positionals], { stdio: 'inherit' });
  console.log(`\n${compareCounts([process.arch, 'arm64'], isSelected)}`);
  return status ?? 1;
}

function underMdwe(): number {
  console.log('\n== PR_SET_MDWE, node --jitless');
  // Tests that set MDWE themselves, or need it off, are skipped.
  delete process.env['TRAMPFD_NO_SKIP'];
  process.env['NODE_OPTIONS'] = `${process.env['NODE_OPTIONS'] ?? ''} --jitless`;
  return runAgain(compileProgram('mdwe', ['mdwe.c']), [process.execPath]);
}

/** Runs this script by a command that ends with Node. Returns the exit status. */
function runAgain(command: string, args: readonly string[], parts: readonly string[] = positionals): number {
  return spawnSync(command, [...args, script, ...parts], { stdio: 'inherit' }).status ?? 1;
}
