/** Programs that load other programs their own way: test runners, compilers in memory, a bundler. */
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type App, run, succeed, writeFiles } from './app.js';
import { allRows, needsTools, root, toolFile } from './tools.js';

/** Uses all entry points, except for a supervisor, which some systems refuse. */
const use = `
function use({ createCallback, nativeFunction, TrampfdError, createTrampoline, addressOf, createTrampolineObject }) {
  const callback = createCallback('int (int, const void *)', (x, address) => x + Number(address !== 0n));
  const results = [nativeFunction('int (int, const void *)', callback.address)(1, Buffer.from('memory'))];
  const failing = createCallback('void (void)', () => { throw new RangeError('own'); });
  try { nativeFunction('void (void)', failing.address)(); } catch (error) { results.push(error.message); }
  try { createTrampoline({ registers: { pc: 1 } }); } catch (error) { results.push(error instanceof TypeError); }
  results.push(typeof addressOf(new Uint8Array(8)));
  const object = createTrampolineObject();
  object.close();
  try { object.setRegisters({ pc: 1n }); } catch (error) { results.push(error instanceof TrampfdError); }
  return results.join();
}
`;
const expected = '2,own,true,bigint,true';
const required = `${use}
const result = () => use({ ...require('trampfd'), ...require('trampfd/object') });
`;
const imported = `
import * as main from 'trampfd';
import * as object from 'trampfd/object';
${use}
const result = () => use({ ...main, ...object });
`;
const testOf = (code: string) => `${code}
test('uses native code', () => { expect(result()).toBe('${expected}'); });
`;

export function testRunners(app: App): void {
  describe('test runners and loaders', { skip: needsTools() }, () => {
    const folder = (name: string, files: Record<string, string>) => {
      const path = join(app.folder, name);
      writeFiles(path, files);
      return path;
    };
    const node = (cwd: string, ...args: string[]) => succeed(cwd, process.execPath, args);

    test('Jest, which gives each test file its own copy of all modules', () => {
      const cwd = folder('jest', {
        'package.json': '{ "jest": { "testRegex": "test.js$" } }',
        'first.test.js': testOf(required),
        'second.test.js': testOf(required),
      });
      node(cwd, toolFile('jest/bin/jest.js'), '--runInBand', '--ci');
    });

    test('Jest with ES modules', () => {
      const cwd = folder('jest-modules', {
        'package.json': '{ "type": "module", "jest": { "testRegex": "test.js$", "transform": {} } }',
        'first.test.js': testOf(imported),
      });
      node(cwd, '--experimental-vm-modules', toolFile('jest/bin/jest.js'), '--ci');
    });

    for (const pool of allRows ? ['forks', 'threads', 'vmThreads'] : ['threads']) {
      test(`Vitest with the pool ${pool}`, () => {
        const cwd = folder(`vitest-${pool}`, { 'package.json': '{}', 'first.test.ts': testOf(imported) });
        node(cwd, toolFile('vitest/vitest.mjs'), 'run', '--globals', `--pool=${pool}`, '--root', cwd);
      });
    }

    const printed = `${imported}\nconsole.log(result());\n`;
    const compilerOptions = { module: 'nodenext', target: 'es2022', noImplicitAny: false, types: [] };
    const tsNode = { 'tsconfig.json': JSON.stringify({ compilerOptions }) };
    const declared = `declare const console: any, Buffer: any;\n${printed}`;

    for (const extension of ['mts', 'cts']) {
      test(`tsx, .${extension}`, () => {
        const cwd = folder('tsx', { [`program.${extension}`]: printed });
        assert.equal(node(cwd, toolFile('tsx/dist/cli.mjs'), `program.${extension}`), `${expected}\n`);
      });
    }

    test('ts-node, .cts', () => {
      const cwd = folder('ts-node', { ...tsNode, 'program.cts': declared });
      assert.equal(node(cwd, toolFile('ts-node/dist/bin.js'), 'program.cts'), `${expected}\n`);
    });

    if (allRows) {
      test('ts-node, .mts', () => {
        const cwd = folder('ts-node-modules', { ...tsNode, 'program.mts': declared });
        const loader = pathToFileURL(toolFile('ts-node/esm.mjs')).href;
        assert.equal(node(cwd, '--no-warnings', '--loader', loader, 'program.mts'), `${expected}\n`);
      });
    }

    const esbuild = (cwd: string, ...args: string[]) =>
      succeed(cwd, process.execPath, [
        toolFile('esbuild/bin/esbuild'),
        '--bundle',
        '--platform=node',
        ...args,
      ]);

    const native = { TRAMPFD_NATIVE: join(root, 'dist/native') };

    test('a startup snapshot: native code is used after it is loaded', () => {
      const cwd = folder('snapshot', {
        'program.mjs': `
          import { createCallback, nativeFunction } from 'trampfd';
          import { startupSnapshot } from 'node:v8';
          const use = () => {
            const callback = createCallback('int (int)', (value) => value + 1);
            return nativeFunction('int (int)', callback.address)(1);
          };
          try { use(); } catch ({ code, message }) { console.log(code, message); }
          startupSnapshot.setDeserializeMainFunction(() => console.log(use()));
        `,
      });
      esbuild(cwd, 'program.mjs', '--format=cjs', '--outfile=out/program.cjs');
      const blob = '--snapshot-blob=out/blob';
      const built = run(cwd, process.execPath, [blob, '--build-snapshot', 'out/program.cjs'], native);
      assert.match(
        built.stdout,
        /^ERR_TRAMPFD_MODULE Cannot load .*: a startup snapshot cannot contain native code/,
      );
      assert.equal(built.status, 0, built.stderr);
      assert.equal(succeed(cwd, process.execPath, [blob], native), '2\n');
    });

    test('a single executable', () => {
      const cwd = folder('single', {
        'program.mjs': printed,
        'sea.json': JSON.stringify({
          main: 'out/program.cjs',
          output: 'out/blob',
          disableExperimentalSEAWarning: true,
        }),
      });
      esbuild(cwd, 'program.mjs', '--format=cjs', '--outfile=out/program.cjs');
      node(cwd, '--experimental-sea-config', 'sea.json');
      const program = join(cwd, 'out/program');
      copyFileSync(process.execPath, program);
      chmodSync(program, 0o755);
      const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';
      node(
        cwd,
        toolFile('postject/dist/cli.js'),
        program,
        'NODE_SEA_BLOB',
        'out/blob',
        '--sentinel-fuse',
        fuse,
      );
      assert.equal(succeed(cwd, program, [], native), `${expected}\n`);
    });

    for (const format of ['esm', 'cjs']) {
      const out = `out/program.${format === 'esm' ? 'mjs' : 'cjs'}`;

      test(`esbuild, ${format}, with the package external`, () => {
        const cwd = folder('external', { 'program.mjs': printed });
        esbuild(cwd, 'program.mjs', `--format=${format}`, '--external:trampfd', `--outfile=${out}`);
        assert.equal(node(cwd, out), `${expected}\n`);
      });

      test(`esbuild, ${format}, with the package in the bundle: the first use reports it`, () => {
        const program = `
          import { createCallback, createTrampoline, symbolAddress } from 'trampfd';
          import { diagnose } from 'trampfd/diagnose';
          import { createTrampolineObject } from 'trampfd/object';
          import { spawnSupervised } from 'trampfd/supervisor';
          console.log('loaded');
          for (const use of [
            () => createCallback('void (void)', () => {}), () => createTrampoline({ registers: { pc: 1n } }),
            () => symbolAddress('puts'), () => createTrampolineObject(),
            () => diagnose(), () => spawnSupervised('/bin/true'),
          ]) new Promise((done) => done(use())).catch(({ code, message }) => console.log(code, message));
        `;
        const cwd = folder('bundled', { 'program.mjs': program });
        esbuild(cwd, 'program.mjs', `--format=${format}`, `--outfile=${out}`);
        const { stdout, stderr } = run(cwd, process.execPath, [out]);
        const [first, ...messages] = stdout.trimEnd().split('\n');
        assert.equal(first, 'loaded', stderr);
        assert.equal(messages.length, 6, stdout);
        for (const message of messages)
          assert.match(
            message,
            /^ERR_TRAMPFD_BUNDLED Cannot use trampfd: its native files are not in .*"external"/,
          );
        const found = run(cwd, process.execPath, [out], native);
        // Of the six uses, `diagnose` and `spawnSupervised` start programs of the package, the object needs a supervisor.
        assert.match(found.stdout, /^loaded\n/);
        assert.doesNotMatch(found.stdout, /ERR_TRAMPFD_(BUNDLED|MODULE)/);
      });
    }
  });
}
