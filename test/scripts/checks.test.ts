/** The checks of `npm run check` report violations. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findPhrases, phrasesIn } from '../../scripts/phrases.js';
import { slowFiles, testFiles } from '../../scripts/run-tests.js';
import { needs } from '../support/needs.js';

// The parser is a native module.
const skip = needs('npm packages of its architecture');
const importLayers = () => import('../../scripts/layers.js');

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Calls a function with a folder that holds files with the given contents. */
function withProject<Result>(
  files: Readonly<Record<string, string>>,
  use: (folder: string) => Result,
): Result {
  const folder = mkdtempSync(join(root, 'build/checks-'));
  try {
    for (const name of ['src', 'bench', 'scripts', 'test', 'examples', 'include', 'docs']) {
      mkdirSync(join(folder, name));
    }
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('imports that violate a rule are reported with both files', { skip }, async () => {
  const { checkLayers } = await importLayers();
  const files = {
    'src/index.ts': "export { a } from './core/a.js';",
    'src/core/a.ts': "export const a = 1;\nexport type B = import('../linux/b.js').B;",
    'src/linux/b.ts': "import type { a } from '../core/a.js';\nexport type B = typeof a; // not x64",
    'src/cli/c.ts': "import '../index.js';\nimport koffi from 'koffi';\nexport const isX64 = 'x64';",
    'src/other/d.ts': "import '../core/missing.js';\nimport '../core/a.js';",
    'test/a.test.ts': "import { a } from '#src/core/a.js';\nimport 'trampfd';",
  };
  const report = withProject(files, checkLayers);
  assert.deepEqual(report.violations.toSorted(), [
    'circle of imports: src/core/a.ts -> src/linux/b.ts -> src/core/a.ts',
    'src/cli/c.ts: imports koffi; only tests and benchmarks may',
    'src/cli/c.ts: imports src/index.ts, from a layer above',
    'src/cli/c.ts: names the architecture x64',
    'src/core/a.ts: imports src/linux/b.ts, from a layer above',
    'src/other/d.ts: imports src/core/missing.ts, which is missing',
    'src/other/d.ts: is in no layer',
    'test/a.test.ts: imports trampfd and #src/',
  ]);
  assert.deepEqual([report.files, report.imports], [6, 8]);
});

test('a project in which no imports are seen does not pass', { skip }, async () => {
  const { checkLayers } = await importLayers();
  const report = withProject({ 'src/core/a.ts': '', 'src/core/b.ts': '' }, checkLayers);
  assert.deepEqual(report.violations, ['only 0 imports found in 2 files']);
});

test('phrases are found across lines of a comment', () => {
  assert.deepEqual(phrasesIn('a.ts', '/**\n * The entry leads\n * to a body.\n */'), [
    'a.ts:2: "leads to": points to, jumps to, continues at',
  ]);
  assert.deepEqual(phrasesIn('a.ts', '/** What a slot holds. */'), [
    'a.ts:1: "/** What": begin with a noun or a verb',
  ]);
  assert.deepEqual(phrasesIn('a.md', 'An error points to the standard; it mentions a person.'), []);
  assert.deepEqual(
    withProject({ 'docs/a.md': 'It goes on.', 'src/b.ts': '' }, (folder) => findPhrases(folder)),
    ['docs/a.md:1: "goes on": continues, jumps to'],
  );
});

test('words are found in comments, names and Markdown', () => {
  const files = {
    'src/a.ts': '// Nobody\nexport const bellFd = 1;\n',
    'docs/b.md': 'Two rooms.\n',
    'src/c.ts': '',
  };
  const { status, stdout } = withProject(files, (folder) => {
    cpSync(join(root, 'cspell.json'), join(folder, 'cspell.json'));
    const command = join(root, 'node_modules/.bin/cspell');
    const options = ['lint', '--no-progress', '--no-gitignore', '--root', folder];
    return spawnSync(command, options, { cwd: folder, encoding: 'utf8' });
  });
  assert.deepEqual(
    [...stdout.matchAll(/^(\S+) - Forbidden word \((\w+)\)/gm)].map(([, at, word]) => `${at} ${word}`),
    ['docs/b.md:1:5 rooms', 'src/a.ts:1:4 Nobody', 'src/a.ts:2:14 bell'],
  );
  assert.equal(status, 1);
});

test('slow test files exist', () => {
  const files = testFiles(() => true);
  for (const part of slowFiles)
    assert.ok(
      files.some((file) => file.startsWith(part)),
      part,
    );
});
