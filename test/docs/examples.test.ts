/** Examples in documents and comments run, their commands exist, and their links are valid. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Summary } from '../../bench/summary.js';
import { updateFigures } from '../../bench/update-docs.js';
import { ownErrors } from '../support/child.js';
import { needs } from '../support/needs.js';
import { runSupervised } from '../support/supervised.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));

const under = (folder: string, ending: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .map((file) => join(folder, file));

const documents = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...under('docs', '.md')];
const files = [...documents, ...under('src', '.ts')].map((path) => ({
  path,
  text: readFileSync(join(root, path), 'utf8'),
}));

/** The API reference repeats the examples in the source. */
const isReference = (path: string) => path.startsWith('docs/api/');

/** Returns the fenced code blocks of a language, without the stars of comments. */
function blocks(text: string, language: string): string[] {
  const plain = text.replaceAll(/^ *\* ?/gm, '');
  return [...plain.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(
    ([, block]) => block!,
  );
}

describe('examples', () => {
  for (const { path, text } of files.filter(({ path }) => !isReference(path))) {
    for (const [index, example] of blocks(text, 'ts').entries()) {
      const skip = /\bspawnSupervised\(/.test(example) && needs('seccomp');
      test(`${path}, example ${index + 1}`, { skip }, () => {
        const args = ['--input-type=module', '--eval', example];
        const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
        assert.equal(status, 0, stderr);
        assert.equal(ownErrors(stderr), '');
        // A comment after console.log has the output.
        const outputs = [...example.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(
          ([, printed]) => printed!,
        );
        for (const printed of outputs)
          assert.ok(stdout.split('\n').includes(printed), `prints ${printed}: ${stdout}`);
      });
    }
  }
});

describe('programs in C', { skip: needs('gcc', 'seccomp') }, () => {
  for (const { path, text } of files.filter(({ path }) => path.endsWith('.md'))) {
    for (const [index, program] of blocks(text, 'c').entries()) {
      if (!program.includes('int main')) continue;
      test(`${path}, program ${index + 1}, under a supervisor`, async () => {
        const folder = mkdtempSync(join(tmpdir(), 'trampfd-docs-'));
        try {
          const [source, binary] = [join(folder, 'program.c'), join(folder, 'program')];
          writeFileSync(source, program);
          const flags = ['-std=c99', '-Wall', '-Wextra', '-Werror', `-I${join(root, 'include')}`];
          execFileSync('gcc', [...flags, '-o', binary, source]);
          const { status, stderr } = await runSupervised(binary);
          assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
        } finally {
          rmSync(folder, { recursive: true });
        }
      });
    }
  }
});

describe('commands', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const known = [
    /^npm ci$/,
    /^npm install trampfd$/,
    /^npm start( -- \S+)?$/,
    /^npm test$/,
    /^npx trampfd doctor$/,
    /^npx trampfd run( --(trace|stats|harden [a-z,-]+|policy policy\.json|audit \S+))* -- \.?\/?\w+$/,
    /^npx trampfd inspect PID$/,
    /^npx trampfd doctor( --(json|matrix|harden [a-z,-]+))*( > docs\/matrix\.md)?$/,
    /^[A-Z_]+=1 node program\.js$/,
  ];
  for (const { path, text } of files.filter(({ path }) => path.endsWith('.md'))) {
    for (const line of blocks(text, 'sh').join('').split('\n')) {
      for (const command of line.replace(/ +#.*/, '').split(' && ')) {
        if (command === '') continue;
        test(`${path}: ${command}`, () => {
          const script = /^npm run (\S+)$/.exec(command)?.[1];
          assert.ok(script === undefined ? known.some((form) => form.test(command)) : script in scripts);
        });
      }
    }
  }
});

test('figures with the name of a row are those of the last benchmark', () => {
  const summary = JSON.parse(readFileSync(join(root, 'bench/results.json'), 'utf8')) as Summary;
  let found = 0;
  for (const { path, text } of files.filter(({ path }) => path.endsWith('.md'))) {
    assert.equal(updateFigures(text, summary), text, path);
    found += [...text.matchAll(/ \[`[\w-]+\.[\w-]+`\]/g)].length;
  }
  assert.ok(found > 15);
});

test('links between documents are valid', () => {
  for (const { path, text } of files.filter(({ path }) => path.endsWith('.md'))) {
    for (const [, target] of text.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)) {
      assert.ok(existsSync(resolve(root, dirname(path), target!)), `${path}: ${target}`);
    }
  }
});

test('files named in documents exist', () => {
  for (const { path, text } of files.filter(({ path }) => path.endsWith('.md'))) {
    for (const [, name] of text.matchAll(
      /`((?:bench|docs|examples|include|scripts|src|test)\/[\w./-]+\.\w+)`/g,
    )) {
      assert.ok(existsSync(join(root, name!)), `${path}: ${name}`);
    }
  }
});
