/** Package managers: installation without errors, and a command that each of them can run. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { needs } from '../support/needs.js';
import { type App, run, succeed, writeFiles } from './app.js';
import { cacheFolder, needsTools, toolFile } from './tools.js';

const program = `
import { createRequire } from 'node:module';
import { once } from 'node:events';
import { createCallback, nativeFunction } from 'trampfd';
const { spawnSupervised } = createRequire(import.meta.url)('trampfd/supervisor');
const callback = createCallback('int (int)', (x) => x + 1);
console.log(nativeFunction('int (int)', callback.address)(1));
if (process.argv[2] === 'supervised') {
  const [status] = await once(spawnSupervised('/bin/echo', ['supervised']), 'exit');
  console.log(status);
}
`;

export function testManagers(app: App): void {
  describe('package managers', { skip: needsTools() }, () => {
    const supervised = needs('seccomp') === false;
    const prepare = (name: string, files: Record<string, string>) => {
      const cwd = join(app.folder, name);
      writeFiles(cwd, {
        'package.json': '{ "name": "app", "private": true }',
        'program.mjs': program,
        ...files,
      });
      return cwd;
    };
    /** @param execute runs a program as the package manager does, with its own loader if it has one */
    const use = (execute: (...args: string[]) => string) => {
      assert.equal(execute('node', 'program.mjs'), '2\n');
      assert.match(execute('trampfd', '--version'), /^\d+\.\d+\.\d+\n$/);
      if (!supervised) return;
      assert.equal(execute('node', 'program.mjs', 'supervised'), '2\nsupervised\n0\n');
      assert.equal(execute('trampfd', 'run', '--', '/bin/echo', 'supervised'), 'supervised\n');
    };

    test('npm', () => {
      writeFiles(app.folder, { 'program.mjs': program });
      use((...args) => succeed(app.folder, 'npm', ['exec', '--offline', '--', ...args]));
    });

    test('pnpm', () => {
      // pnpm fails if a package has a script that it does not run.
      const cwd = prepare('pnpm', { 'pnpm-workspace.yaml': 'packages: []\n' });
      const folders = ['CACHE', 'CONFIG', 'DATA', 'STATE'].map((name) => [
        `XDG_${name}_HOME`,
        cacheFolder('pnpm'),
      ]);
      const env = { ...Object.fromEntries(folders), CI: '1' };
      const pnpm = (...args: string[]) =>
        succeed(cwd, toolFile(`@pnpm/exe.linux-${process.arch}/pnpm`), args, env);
      pnpm('add', '--prefer-offline', app.tarball);
      use((...args) => pnpm('exec', ...args));
    });

    for (const linker of ['node-modules', 'pnp']) {
      test(`Yarn with the linker ${linker}`, () => {
        const cwd = prepare(`yarn-${linker}`, {
          'yarn.lock': '',
          '.yarnrc.yml': `nodeLinker: ${linker}\nenableTelemetry: false\nenableGlobalCache: true\n`,
        });
        const env = { YARN_GLOBAL_FOLDER: cacheFolder('yarn'), NODE_NO_WARNINGS: '1' };
        const yarn = (...args: string[]) =>
          succeed(cwd, process.execPath, [toolFile('@yarnpkg/cli-dist/bin/yarn.js'), ...args], env);
        yarn('add', `trampfd@file:${app.tarball}`);
        // `yarn trampfd` runs the command by Node, not by its first line.
        use((...args) => yarn(...args));
        const { status } = run(
          cwd,
          process.execPath,
          [toolFile('@yarnpkg/cli-dist/bin/yarn.js'), ...['trampfd', 'run', '--', '/bin/sh', '-c', 'exit 3']],
          env,
        );
        assert.equal(status, supervised ? 3 : 125);
      });
    }
  });
}
