/** The C examples, built by their Makefile and run as their comments say. */
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

/** Output of each program under a supervisor, without the number of comparisons, which depends on the C library. */
const outputs: Readonly<Record<string, readonly string[]>> = {
  nested: [
    'from letter 1: alder birch cedar hazel maple poplar spruce willow (n comparisons)',
    'from letter 2: maple hazel cedar willow birch alder poplar spruce (n comparisons)',
    'from letter 3: cedar alder willow poplar maple birch spruce hazel (n comparisons)',
  ],
  'event-loop': ['first: 1 event', 'second: 1 event', 'third: 1 event', 'timer: 1 event'],
  share: ['child: called with 1', 'parent: the argument is 1, make it 2', 'child: called with 2'],
  allowed: [
    ...['target greet: done', 'Good morning, Ada.'],
    ...['target steal: Invalid argument', 'Good morning, Ada.'],
    ...['target dismiss: done', 'Good night, Ada.'],
  ],
  trace: [
    ...[
      '  add(0, 12)',
      '  add(12, 30)',
      '  add(42, 15)',
      '  divide(57, 3)',
      'the mean of three numbers is 19',
    ],
    ...['  divide(0, 0) would crash; let it be 0', 'the mean of no numbers is 0'],
    ...['  multiply(6, 7)', 'six times seven is 42'],
  ],
  'overflow-trampfd': exhibit('closed', 'The overflow reached no trampoline.'),
};

function exhibit(after: string, conclusion: string): string[] {
  const door = 'the second guest at door 7:';
  return [
    `${door} closed`,
    'the first guest sent a name too long for 32 bytes',
    `${door} ${after}`,
    conclusion,
  ];
}

function assertOutput(stdout: string, lines: readonly string[]): void {
  const told = stdout.replaceAll(/\d+ comparisons/g, 'n comparisons');
  assert.deepEqual(told.split('\n'), [...lines, 'EXIT-SUCCESS', '']);
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
      test('runs where it may make no code of its own', {
        skip: outsideTemporary || users[0]!.skip,
      }, async () => {
        const { stdout, stderr } = await runSupervised(program, [], { options: ['--harden', restrictions] });
        assert.equal(ownErrors(stderr), '');
        assertOutput(stdout, output);
      });
      test('says that there is no supervisor when there is none', () => {
        const { status, stdout, stderr } = spawnSync(program, { encoding: 'utf8', timeout: 10_000 });
        assert.deepEqual({ status, stdout }, { status: 1, stdout: '' });
        assert.match(stderr, /^trampfd: Function not implemented\n$/);
      });
      test('needs no executable stack', { skip: needs('readelf') }, () => {
        const headers = execFileSync('readelf', ['--program-headers', '--wide', program], {
          encoding: 'utf8',
        });
        assert.match(headers, /GNU_STACK.* RW +0x/);
      });
    });
  }

  test('overflow-libffi', { skip: needs('libffi') || (!hasHeader('ffi.h') && 'needs libffi') }, () => {
    const { status, stdout } = spawnSync(make('overflow-libffi'), { encoding: 'utf8' });
    assertOutput(stdout, exhibit('OPEN', "The overflow reached the closure: it is the attacker's now."));
    assert.equal(status, 0);
  });
});
