/** The manual page: man shows it, it agrees with the header, and its example compiles. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { manPage } from '../../scripts/man-page.js';
import { ownErrors } from '../support/child.js';
import { needs } from '../support/needs.js';
import { runSupervised } from '../support/supervised.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const roff = join(root, 'dist/man/trampfd_create.2');
const header = readFileSync(join(root, 'include/trampfd.h'), 'utf8');
const page = readFileSync(join(root, 'docs/trampfd_create.2.md'), 'utf8');
const code = [...page.matchAll(/^```c\n([\s\S]*?)^```$/gm)].map(([, block]) => block!);

/** Shown as in a terminal of 80 columns, without colours. */
function show(input: string) {
  const args = ['-man', '-Tutf8', '-ww', '-P-cbou', '-rLL=78n'];
  return spawnSync('groff', args, { input, encoding: 'utf8' });
}

describe('trampfd_create(2)', () => {
  test('is shown without a warning, with all of its sections', { skip: needs('groff') }, () => {
    const { stdout, stderr, status } = show(readFileSync(roff, 'utf8'));
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
    const sections = [...page.matchAll(/^## (.+)$/gm)].map(([, name]) => name);
    assert.deepEqual([...stdout.matchAll(/^(\w.+)$/gm)].map(([, line]) => line).slice(1, -1), sections);
    for (const block of code) {
      for (const line of block.trimEnd().split('\n')) assert.ok(stdout.includes(line), line);
    }
    assert.ok(stdout.split('\n').every((line) => line.length <= 80));
  });

  test('declares what the header defines', () => {
    const oneLine = (text: string) => text.replaceAll(/\/\*.*?\*\//gs, '').replaceAll(/\s+/g, ' ');
    const defined = oneLine(header);
    const prototypes = code[0]!.match(/^(int|uint64_t|void) [^;]+;/gm)!.map(oneLine);
    assert.equal(prototypes.length, 17);
    for (const prototype of prototypes) {
      assert.ok(defined.includes(`static inline ${prototype.replace(';', ' {')}`), prototype);
    }
    const structs = code.filter((block) => block.startsWith('struct '));
    assert.equal(structs.length, 7);
    for (const struct of structs) assert.ok(defined.includes(oneLine(struct)), struct);
    const constants = [...page.matchAll(/TRAMPFD_\w+/g)].map(([name]) => name);
    for (const name of constants) assert.match(header, new RegExp(`\\b${name}\\b`));
  });
});

test('its example compiles cleanly and prints what it says', { skip: needs('gcc', 'seccomp') }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'trampfd-manual-'));
  try {
    const [file, program] = [join(folder, 'sort.c'), join(folder, 'sort')];
    writeFileSync(file, code.find((block) => block.includes('int main(void)'))!);
    const strict = ['-std=c99', '-pedantic', '-Wall', '-Wextra', '-Wconversion', '-Werror'];
    execFileSync('gcc', [...strict, '-I', join(root, 'include'), '-o', program, file]);
    const [, told] = /^```console\n(?:\$ .*\n)+([\s\S]*?)^```$/m.exec(page)!;
    const { stdout, stderr } = await runSupervised(program);
    assert.equal(ownErrors(stderr), '');
    assert.equal(stdout, told);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('roff prints what was written', { skip: needs('groff') }, () => {
  const text = "# odd(7)\n\n<!-- 2026-01-02 -->\n\n## NAME\n\n.dot \\\\back-slash - `a'b\\n-^~`, é\n'start\n";
  const { stdout, stderr } = show(manPage(text, 'odd 1'));
  assert.equal(stderr, '');
  assert.match(stdout, /^ +\.dot \\back[-‐]slash - a'b\\n-\^~, é ['’]start$/m);
  assert.match(stdout, /^odd 1 +2026-01-02 +odd\(7\)$/m);
});

test('a page with what roff is not told about is refused', () => {
  const start = '# odd(7)\n\n<!-- 2026-01-02 -->\n\n';
  assert.throws(() => manPage(`${start}| a |\n|---|\n| 1 |\n`, 'odd'), /has no table/);
  assert.throws(() => manPage(`${start}an [anchor](x)\n`, 'odd'), /has no link/);
  assert.throws(() => manPage(`${start}- a\n  - b\n`, 'odd'), /has no list/);
  assert.throws(() => manPage('# odd\n', 'odd'), /begins with name\(section\)/);
});
