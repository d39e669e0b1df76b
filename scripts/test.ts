/**
 * Runs the tests.
 *
 *     node build/scripts/test.js [--long] [--record] [--mdwe] [--nodes] [--methods] [--arm64] [part of a file name…]
 *
 * --long     random tests run until they have done their whole number
 * --record   keeps how many passed of each file, which --arm64 shows beside its own
 * --mdwe     under PR_SET_MDWE, where Node needs --jitless
 * --nodes    on each other supported release of Node, from the npm registry
 * --methods  tests of trampolines (`trampolines/`, unless file names are given), once for each code page method
 * --arm64    with arm64's Node and compiler, which qemu-user runs where this is another architecture
 *
 * `TRAMPFD_NO_SKIP` makes a skipped test a failure, except where nothing could be done about it. Other options of
 * Node's go into `NODE_OPTIONS`.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { machines } from '#src/machine/index.js';
import { compileProgram } from '../test/support/compile.js';
import { acceptable } from '../test/support/needs.js';
import { type Counts, type CountsByFile, compareCounts, noCounts, recordCounts } from './counts.js';
import { provideArm64 } from './emulation.js';
import { ensureTools } from './ensure-tools.js';

const script = fileURLToPath(import.meta.url);
const root = fileURLToPath(new URL('../..', import.meta.url));
const tests = fileURLToPath(new URL('../test', import.meta.url));

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

if (process.platform !== 'linux') {
  console.error(`The tests need Linux, and this system is ${process.platform}.`);
  process.exit(1);
}
// Who emulates has provided them.
if ((process.env['TRAMPFD_EMULATED'] ?? '') === '') ensureTools({ 'ffi.h': 'libffi-dev' });
if (values.long === true) process.env['TRAMPFD_LONG'] = '1';
if (values.nodes === true) process.exitCode = onOtherNodes();
else if (values.mdwe === true) process.exitCode = underMdwe();
else if (values.methods === true) process.exitCode = byEachMethod();
else if (values.arm64 === true && process.arch !== 'arm64') process.exitCode = onArm64();
else await runTests();

/** Each in the release that the registry has now. */
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
      return again(node, []);
    }),
  );
}

/** `template` does not have every shape: what it lacks is made by `file`. */
function byEachMethod(): number {
  const parts = positionals.length === 0 ? ['trampolines/'] : positionals;
  return Math.max(
    underSupervisor(parts),
    ...['memfd', 'template,file', 'file', 'rwx', 'remap'].map((methods) => {
      console.log(`\n== TRAMPFD_METHODS=${methods}`);
      process.env['TRAMPFD_METHODS'] = methods;
      return again(process.execPath, [], parts);
    }),
  );
}

/** The code of tables comes from a supervisor; what else there is, it does not make. */
function underSupervisor(parts: readonly string[]): number {
  console.log('\n== TRAMPFD_METHODS=trampfd,file, under trampfd run');
  process.env['TRAMPFD_METHODS'] = 'trampfd,file';
  const front = fileURLToPath(new URL('../../dist/bundle/trampfd.js', import.meta.url));
  return again(front, ['run', '--', process.execPath], parts);
}

function onArm64(): number {
  const emulation = provideArm64();
  if (typeof emulation === 'string') {
    console.log(`skipped: tests on arm64: ${emulation}`);
    return (process.env['TRAMPFD_NO_SKIP'] ?? '') === '' ? 0 : 1;
  }
  Object.assign(process.env, emulation.env);
  const status = spawnSync(emulation.node, [script, '--record', ...positionals], { stdio: 'inherit' }).status;
  console.log(`\n${compareCounts([process.arch, 'arm64'], isMeant)}`);
  return status ?? 1;
}

function underMdwe(): number {
  console.log('\n== PR_SET_MDWE, node --jitless');
  // Tests that apply MDWE themselves, or need it off, are left out.
  delete process.env['TRAMPFD_NO_SKIP'];
  process.env['NODE_OPTIONS'] = `${process.env['NODE_OPTIONS'] ?? ''} --jitless`;
  return again(compileProgram('mdwe', ['mdwe.c']), [process.execPath]);
}

function again(command: string, args: readonly string[], parts: readonly string[] = positionals): number {
  return spawnSync(command, [...args, script, ...parts], { stdio: 'inherit' }).status ?? 1;
}

/** Whether a path has all parts that were asked for. */
function isMeant(file: string): boolean {
  return positionals.every((part) => file.includes(part));
}

/** The test files that are meant: paths below `test/`. A folder can be about one architecture. */
function testFiles(): string[] {
  const others = Object.keys(machines).filter((name) => name !== process.arch);
  return readdirSync(tests, { recursive: true, encoding: 'utf8' }).filter(
    (file) =>
      file.endsWith('.test.js') && isMeant(file) && !others.some((name) => file.split('/').includes(name)),
  );
}

async function runTests(): Promise<void> {
  const files = testFiles();
  const counts: CountsByFile = Object.fromEntries(files.map((file) => [file, noCounts()]));
  const countsOf = (file: string | undefined): Counts => {
    const name = relative(tests, file ?? tests);
    counts[name] ??= noCounts();
    return counts[name];
  };
  const skipped: string[] = [];
  let unacceptable = 0;
  const stream = run({ files: files.map((file) => join(tests, file)), concurrency: 2, timeout: 600_000 });
  stream.on('test:fail', ({ details, file }) => {
    if (!isSuite(details)) countsOf(file).failed++;
    process.exitCode = 1;
  });
  stream.on('test:pass', ({ name, skip, details, file }) => {
    const ofFile = countsOf(file);
    // A block that is skipped reports only itself.
    if (skip !== undefined) {
      ofFile.skipped++;
      const reason = typeof skip === 'string' ? skip : 'no reason given';
      skipped.push(`${name}: ${reason}`);
      if (!acceptable.test(reason)) unacceptable++;
    } else if (!isSuite(details)) {
      ofFile.passed++;
    }
  });
  const report = stream.compose(new spec());
  report.pipe(process.stdout);
  await new Promise((resolve) => report.on('end', resolve));

  for (const line of skipped) console.log(`skipped: ${line}`);
  if (unacceptable > 0 && (process.env['TRAMPFD_NO_SKIP'] ?? '') !== '') process.exitCode = 1;
  if (files.length === 0) process.exitCode = 1;
  const sum = (key: keyof Counts) => Object.values(counts).reduce((all, each) => all + each[key], 0);
  console.log(`${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`);
  if (values.record === true) recordCounts(process.arch, counts);
}

/** Files and `describe` blocks report as tests, too. */
function isSuite(details: object): boolean {
  return (details as { type?: string }).type === 'suite';
}
