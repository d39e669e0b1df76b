/** The files of the tarball: all that users need, and no others. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, test } from 'node:test';
import { machines } from '#src/machine/index.js';
import { type App, run } from './app.js';
import { needsTools, root, toolFile } from './tools.js';

const entryPoints = ['index', 'supervisor', 'diagnose', 'object'];

export function testContents({ packed, folder }: App): void {
  const installed = join(folder, 'node_modules/trampfd');

  test('files that users need, and no others', () => {
    for (const file of [
      ...entryPoints.flatMap((name) =>
        ['js', 'mjs', 'd.ts', 'd.mts'].map((end) => `dist/bundle/${name}.${end}`),
      ),
      ...['dist/bundle/trampfd.js', 'dist/bundle/THIRD-PARTY-NOTICES.txt', 'dist/man/trampfd_create.2'],
      ...['README.md', 'LICENSE', 'SECURITY.md', 'docs/trampfd_create.2.md', 'include/trampfd.h'],
      ...[
        'examples/c/Makefile',
        'examples/demo/main.ts',
        'dist/policy.schema.json',
        'dist/doctor.schema.json',
      ],
      ...Object.keys(machines).map((architecture) => `dist/native/gdb-jit-${architecture}.so`),
    ]) {
      assert.ok(packed.includes(file), file);
    }
    const known = [
      /^dist\/(bundle|man)\/[\w.-]+$/,
      /^dist\/native\/[\w-]+(\.node|\.so|\.bin)?$/,
      /^dist\/\w+\.schema\.json$/,
      /^(docs|examples)\/.*\.(md|ts|c|h|json|txt)$/,
      /^examples\/c\/Makefile$/,
      /^include\/trampfd\.h$/,
      /^([A-Z]+\.md|LICENSE|package\.json)$/,
    ];
    const others = packed.filter((file) => !known.some((pattern) => pattern.test(file)));
    assert.deepEqual(others, []);
  });

  test('links in its documents point to files that it has', () => {
    const links = packed
      .filter((name) => name.endsWith('.md'))
      .flatMap((file) => {
        const text = readFileSync(join(installed, file), 'utf8');
        // Without pictures, which are only in the repository.
        const targets = text.matchAll(/(?<!!)\[[^\]]*\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g);
        return [...targets].map(([, target]) => ({ file, target: target! }));
      });
    assert.ok(links.length > 30, `${links.length} links`);
    const broken = links.filter(({ file, target }) => {
      const path = normalize(join(dirname(file), target)).replace(/\/$/, '');
      return !packed.some((name) => name === path || name.startsWith(`${path}/`));
    });
    assert.deepEqual(broken, []);
  });

  test('licences of all packages whose code is in the bundle', () => {
    const notices = readFileSync(join(installed, 'dist/bundle/THIRD-PARTY-NOTICES.txt'), 'utf8');
    for (const name of ['commander', 'zod'])
      assert.match(notices, new RegExp(`^${name} \\d.* \\(MIT\\)$`, 'm'));
    const chunks = readdirSync(join(installed, 'dist/bundle')).filter((file) => file.endsWith('.js'));
    const required = chunks.flatMap((file) => {
      const code = readFileSync(join(installed, 'dist/bundle', file), 'utf8');
      return [...code.matchAll(/\brequire\('(?!\.)([^']+)'\)/g)].map(([, name]) => name);
    });
    assert.deepEqual(required, [], 'packages that are not in the bundle');
  });

  test('a manifest for all systems, whose dependencies are those of the code', () => {
    const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    assert.equal(manifest.os, undefined);
    assert.equal(manifest.cpu, undefined);
    assert.equal(manifest.sideEffects, false);
    assert.equal(manifest.preferUnplugged, true);
    assert.deepEqual(Object.keys(manifest.dependencies ?? {}), []);
    assert.deepEqual(Object.keys(manifest.optionalDependencies ?? {}), []);
    const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    assert.deepEqual(
      Object.keys(exports).filter((name) => !name.endsWith('.json')),
      entryPoints.map((name) => (name === 'index' ? '.' : `./${name}`)),
    );
  });
}

export function testChecks({ tarball, folder }: App): void {
  describe('checks of packages', { skip: needsTools() }, () => {
    const check = (file: string, ...args: string[]) => {
      const { status, stdout, stderr } = run(folder, process.execPath, [toolFile(file), ...args], {
        NO_COLOR: '1',
      });
      assert.equal(status, 0, `${stdout}\n${stderr}`);
    };

    test('publint', () => check('publint/src/cli.js', 'run', tarball, '--strict'));

    // Without the resolution of Node 10, which knows no `exports`.
    test('Are the types wrong?', () =>
      check('@arethetypeswrong/cli/dist/index.js', tarball, '--profile', 'node16'));
  });
}
