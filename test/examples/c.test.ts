/** The C examples, built by their Makefile. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hasHeader } from '../../scripts/ensure-tools.js';
import { ownErrors } from '../support/child.js';
import { needs } from '../support/needs.js';
import { outsideTemporary, users } from '../support/restricted.js';
import { runSupervised } from '../support/supervised.js';

const makefile = fileURLToPath(new URL('../../../examples/c/Makefile', import.meta.url));
const folder = fileURLToPath(new URL(`../../examples/c/${process.arch}`, import.meta.url));

function make(program: string, flags = '-O2 -Wall -Wextra -Wconversion -Werror'): string {
  mkdirSync(folder, { recursive: true });
  execFileSync('make', ['-f', makefile, `CFLAGS=${flags}`, program], { cwd: folder, stdio: 'pipe' });
  return join(folder, program);
}

/** Output under a supervisor. The number of comparisons depends on the C library. */
const outputs: Readonly<Record<string, readonly string[]>> = {
  nested: [
    'from letter 1: alder birch cedar hazel maple poplar spruce willow (n comparisons)',
    'from letter 2: maple hazel cedar willow birch alder poplar spruce (n comparisons)',
    'from letter 3: cedar alder willow poplar maple birch spruce hazel (n comparisons)',
  ],
  'event-loop': ['first: 1 event', 'second: 1 event', 'third: 1 event', 'timer: 1 event'],
  share: ['child: called with 1', 'parent: the argument is 1, make it 2', 'child: called with 2'],
  allowed: [
    ...['call greet: done', 'Good morning, Ada.'],
    ...['call steal: Invalid argument', 'Good morning, Ada.'],
    ...['call dismiss: done', 'Good night, Ada.'],
  ],
  trace: [
    ...[
      '  add(0, 12)',
      '  add(12, 30)',
      '  add(42, 15)',
      '  divide(57, 3)',
      'the mean of three numbers is 19',
    ],
    ...['  divide(0, 0) would crash; the result is 0', 'the mean of no numbers is 0'],
    ...['  multiply(6, 7)', 'six times seven is 42'],
  ],
  'overflow-trampfd': overflowOutput('closed', 'The overflow reached no trampoline.'),
};

function overflowOutput(after: string, conclusion: string): string[] {
  const door = 'the second guest at door 7:';
  return [
    `${door} closed`,
    'the first guest sent a name too long for 32 bytes',
    `${door} ${after}`,
    conclusion,
  ];
}

function assertOutput(stdout: string, lines: readonly string[]): void {
  const normalized = stdout.replaceAll(/\d+ comparisons/g, 'n comparisons');
  assert.deepEqual(normalized.split('\n'), [...lines, 'EXIT-SUCCESS', '']);
}

const restrictions = 'mdwe,no-memfd,noexec-tmp,no-own-code';

describe('examples in C', { skip: needs('gcc', 'make') }, () => {
  for (const [name, output] of Object.entries(outputs)) {
    describe(name, () => {
      let program: string;
      before(() => {
        program = make(name);
      });
      test('runs under the supervisor', { skip: needs('seccomp') }, async () => {
        const { status, signal, stdout, stderr } = await runSupervised(program);
        assert.equal(ownErrors(stderr), '');
        assertOutput(stdout, output);
        assert.deepEqual({ status, signal }, { status: 0, signal: null });
      });
      test('runs without code of its own', {
        skip: outsideTemporary || users[0]!.skip,
      }, async () => {
        const { stdout, stderr } = await runSupervised(program, [], { options: ['--harden', restrictions] });
        assert.equal(ownErrors(stderr), '');
        assertOutput(stdout, output);
      });
      test('reports a missing supervisor', () => {
        const { status, stdout, stderr } = spawnSync(program, { encoding: 'utf8', timeout: 10_000 });
        assert.deepEqual({ status, stdout }, { status: 1, stdout: '' });
        assert.match(stderr, /^trampfd: Function not implemented\n$/);
      });
      test('does not need an executable stack', { skip: needs('readelf') }, () => {
        const headers = execFileSync('readelf', ['--program-headers', '--wide', program], {
          encoding: 'utf8',
        });
        assert.match(headers, /GNU_STACK.* RW +0x/);
      });
    });
  }

  test('overflow-libffi', { skip: needs('libffi') || (!hasHeader('ffi.h') && 'needs libffi') }, () => {
    const { status, stdout } = spawnSync(make('overflow-libffi'), { encoding: 'utf8' });
    assertOutput(stdout, overflowOutput('OPEN', 'The overflow replaced the function of the closure.'));
    assert.equal(status, 0);
  });
});
