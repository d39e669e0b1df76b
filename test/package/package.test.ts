/** The package as users get it: packed, installed into an empty folder, imported, compiled against, run. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { machines } from '#src/machine/index.js';
import { ownErrors } from '../support/child.js';
import { needs } from '../support/needs.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** TypeScript's and esbuild's are native programs. */
const compilers = 'compilers of its architecture';

describe('installed into an empty folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'trampfd-package-'));
  after(() => rmSync(folder, { recursive: true }));

  const run = (command: string, ...args: string[]) =>
    execFileSync(command, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const node = (script: string) => run(process.execPath, '--input-type=module', '--eval', script);
  // Without scripts: `prepack` would build again, under the feet of the tests.
  const [packed] = JSON.parse(run('npm', 'pack', '--json', '--ignore-scripts', root)) as [
    { filename: string; files: { path: string }[] },
  ];

  before(() => {
    writeFileSync(join(folder, 'package.json'), '{ "private": true, "allowScripts": { "koffi": false } }');
    run('npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', `./${packed.filename}`);
  });

  test('it has what users need, and nothing else', () => {
    const files = packed.files.map(({ path }) => path);
    for (const wanted of [
      ...[
        'dist/bundle/index.js',
        'dist/bundle/index.mjs',
        'dist/bundle/index.d.ts',
        'dist/bundle/trampfd.js',
      ],
      ...['dist/bundle/THIRD-PARTY-NOTICES.txt', 'docs/trampfd_create.2.md', 'examples/c/Makefile'],
      ...['README.md', 'LICENSE', 'include/trampfd.h', 'dist/man/trampfd_create.2'],
      ...Object.keys(machines).map((architecture) => `dist/native/gdb-jit-${architecture}.so`),
    ]) {
      assert.ok(files.includes(wanted), wanted);
    }
    const known =
      /^(dist\/((bundle|man|native)\/.*|.*\.json)|(docs|examples)\/.*|include\/trampfd\.h|[A-Z]+\.md|LICENSE|package\.json)$/;
    assert.deepEqual(
      files.filter((path) => !known.test(path)),
      [],
    );
  });

  test('it imports, and makes trampolines', () => {
    const script = `
      import { createTrampoline, symbolAddress } from 'trampfd';
      const { address } = createTrampoline({ registers: { pc: symbolAddress('getpid') }, debug: true });
      console.log(typeof address);
    `;
    assert.equal(node(script), 'bigint\n');
  });

  test('its command runs', () => {
    assert.match(run(join(folder, 'node_modules/.bin/trampfd'), '--version'), /^\d+\.\d+\.\d+\n$/);
  });

  test('its functions and classes have their names, as console.log and stack traces show them', () => {
    const script = `
      import * as trampfd from 'trampfd';
      for (const [name, value] of Object.entries(trampfd))
        if (typeof value === 'function' && value.name !== name) console.log(name, 'is called', value.name);
    `;
    assert.equal(node(script), '');
  });

  for (const options of [
    ['--module', 'nodenext'],
    ['--module', 'esnext', '--moduleResolution', 'bundler'],
  ]) {
    test(`its types suit the examples, with ${options.join(' ')}`, { skip: needs(compilers) }, () => {
      const examples = readFileSync(join(root, 'README.md'), 'utf8').matchAll(/^```ts\n(.*?)^```$/gms);
      const sources = [...examples].map(([, example], index) => {
        const source = `example${index}.mts`;
        writeFileSync(join(folder, source), example!);
        return source;
      });
      assert.ok(sources.length > 0);
      const types = ['--typeRoots', join(root, 'node_modules/@types'), '--types', 'node'];
      const strict = ['--noEmit', '--strict', '--skipLibCheck', 'false', '--target', 'es2022'];
      const { status, stdout } = spawnSync(
        join(root, 'node_modules/typescript/bin/tsc'),
        [...options, ...types, ...strict, ...sources],
        { cwd: folder, encoding: 'utf8' },
      );
      assert.deepEqual({ status, stdout }, { status: 0, stdout: '' });
    });
  }
});

describe('a system that trampfd does not know', () => {
  for (const [key, value] of [
    ['platform', 'darwin'],
    ['platform', 'win32'],
    ['arch', 's390x'],
  ] as const) {
    const disguise = `data:text/javascript,Object.defineProperty(process,'${key}',{value:'${value}'})`;
    const run = (...args: string[]) =>
      spawnSync(process.execPath, ['--import', disguise, ...args], { cwd: root, encoding: 'utf8' });
    const line = /^(trampfd: )?trampfd runs on Linux on .*, and this system is .* on .*\n$/;

    test(`${value}: the command says so in one line`, () => {
      const { status, stderr } = run('dist/bundle/main.js', 'inspect', '1');
      assert.equal(status, 1);
      assert.match(ownErrors(stderr), line);
    });

    test(`${value}: the library imports, and says so when used`, () => {
      const script = `
        import { createTrampoline, createTrampolineTable, symbolAddress } from 'trampfd';
        for (const use of [() => symbolAddress('puts'), () => createTrampoline({ registers: { pc: 1n } }),
                           () => createTrampolineTable({ registers: [] })]) {
          try { use(); } catch (error) { console.error(error.code === 'ERR_TRAMPFD_UNSUPPORTED' ? error.message : error.stack); }
        }
      `;
      const { status, stderr } = run('--input-type=module', '--eval', script);
      assert.equal(status, 0);
      const lines = stderr
        .replaceAll(/^Warning: disabling flag.*\n/gm, '')
        .trimEnd()
        .split('\n');
      assert.equal(lines.length, 3, stderr);
      for (const text of lines) assert.match(`${text}\n`, line);
    });
  }
});
