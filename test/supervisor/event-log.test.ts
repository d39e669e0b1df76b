/** Output of `--trace` and `--stats`. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { needs } from '../support/needs.js';
import { program } from '../support/slow-programs.js';
import { runSupervised } from '../support/supervised.js';

const skip = needs('gcc', 'seccomp');

/** Runs a program of test/programs/supervised, and replaces numbers that differ from run to run. @returns lines */
async function logOf(name: string, options: readonly string[]): Promise<string[]> {
  const { status, stdout, stderr } = await runSupervised(program(name), [process.execPath], { options });
  assert.deepEqual({ status, stdout }, { status: 0, stdout: 'EXIT-SUCCESS\n' }, stderr);
  const lines = stderr.trimEnd().split('\n');
  return lines.map((line) => line.replace(/^\[\d+\]/, '[N]').replaceAll(/0x[0-9a-f]{9,12}\b/g, 'P'));
}

describe('the log', { skip }, () => {
  for (const abi of ['trampfd', 'rfc-v1']) {
    test(`has a line for each call on objects and each refusal, with --abi ${abi}`, async () => {
      const lines = await logOf('trace-calls', ['--trace', '--abi', abi]);
      // Written by the tracer, in no fixed order with the lines of the syscall thread.
      const invocations = lines.filter((line) => line.includes('invoke'));
      assert.deepEqual(invocations, ['[N] invoke P: refused (the instance has no registers)']);
      const calls = lines.filter((line) => !invocations.includes(line));
      assert.deepEqual(
        calls.map((line) => line.replace(/mmap\(0x0, \d+, /, 'mmap(0x0, N, ')),
        [
          '[N] trampfd_create(TRAMPFD_USER, P, 0) = 4',
          '[N] pwrite(4, P, 40, TRAMPFD_AT(TRAMPFD_REGS_OFFSET, 1)) = 40',
          '[N] pwrite(4, P, 40, TRAMPFD_REGS_OFFSET) = -1 EINVAL (the PC is not set, or 0)',
          '[N] pread(4, P, 24, TRAMPFD_MAP_OFFSET) = 24',
          '[N] mmap(0x0, N, 5, 0x1, 4, 0x74726d7000000000) = to the kernel',
          '[N] pread(3, P, 648, TRAMPFD_REGS_OFFSET) = to the kernel',
          '[N] trampfd_create(TRAMPFD_USER, P, 0) = 5',
          '[N] pread(5, P, 24, TRAMPFD_MAP_OFFSET) = 24',
          '[N] mmap(0x0, N, 0, 0x1, 5, 0x74726d7000000000) = to the kernel',
          '[N] trampfd_create(TRAMPFD_USER, P, 0) = -1 EMFILE (cannot install the fd in the program)',
        ],
      );
    });
  }

  test('names the call of the first proposal as the kernel does', async () => {
    const [create] = await logOf('rfc', ['--trace', '--abi', 'rfc-v1']);
    assert.match(create!, /^\[N\] process_madvise\(TRAMPFD_USER, P, 0\) = \d+$/);
  });

  test('ends with statistics', async () => {
    const [line, ...otherLines] = await logOf('trace-calls', ['--stats']);
    assert.deepEqual(otherLines, []);
    const { objectsAlive, ...stats } = JSON.parse(line!.replace('trampfd: ', '')) as Record<string, number>;
    assert.deepEqual(stats, { calls: 10, refused: 2, objectsCreated: 2 });
    assert.ok(objectsAlive! <= 2);
  });
});
