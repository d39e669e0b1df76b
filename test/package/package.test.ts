/** The package as users get it: packed, installed into an empty folder, imported, run. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { machines } from '#src/machine/index.js';
import { ownErrors } from '../support/child.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));

test('installs into an empty folder, imports, and runs its command', () => {
  const folder = mkdtempSync(join(tmpdir(), 'trampfd-package-'));
  try {
    const npm = (...args: string[]) =>
      execFileSync('npm', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    // Without scripts: `prepack` would build again, under the feet of the tests.
    const [packed] = JSON.parse(npm('pack', '--json', '--ignore-scripts', root)) as [
      { filename: string; files: { path: string }[] },
    ];
    const files = packed.files.map(({ path }) => path);
    for (const wanted of [
      ...['dist/bundle/index.js', 'dist/index.d.ts', 'dist/bundle/main.js', 'README.md', 'LICENSE'],
      ...['include/trampfd.h', 'dist/man/trampfd_create.2'],
    ]) {
      assert.ok(files.includes(wanted), wanted);
    }
    assert.deepEqual(
      files.filter(
        (path) => !/^(dist\/|include\/trampfd\.h$|README\.md|LICENSE|CHANGELOG\.md|package\.json)/.test(path),
      ),
      [],
    );
    for (const architecture of Object.keys(machines)) {
      assert.ok(files.includes(`dist/native/gdb-jit-${architecture}.so`));
    }

    writeFileSync(join(folder, 'package.json'), '{ "private": true, "allowScripts": { "koffi": false } }');
    npm('install', '--no-audit', '--no-fund', '--prefer-offline', `./${packed.filename}`);
    const script = `
      import { createTrampoline, symbolAddress } from 'trampfd';
      const { address } = createTrampoline({ registers: { pc: symbolAddress('getpid') }, debug: true });
      console.log(typeof address);
    `;
    const node = (...args: string[]) =>
      execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
    assert.equal(node('--input-type=module', '--eval', script), 'bigint\n');
    const version = execFileSync(join(folder, 'node_modules/.bin/trampfd'), ['--version'], {
      encoding: 'utf8',
    });
    assert.match(version, /^\d+\.\d+\.\d+\n$/);
  } finally {
    rmSync(folder, { recursive: true });
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
          try { use(); } catch (error) { console.error(error.code === 'ERR_UNSUPPORTED' ? error.message : error.stack); }
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
