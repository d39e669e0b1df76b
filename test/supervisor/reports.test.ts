/** What `--trace` and `--stats` tell. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { needs } from '../support/needs.js';
import { program } from '../support/slow-programs.js';
import { runSupervised } from '../support/supervised.js';

const skip = needs('gcc', 'seccomp');

/** What is told of the program, with numbers that differ from run to run left out. */
async function told(...options: string[]): Promise<string[]> {
  const { status, stdout, stderr } = await runSupervised(program('told'), [process.execPath], { options });
  assert.deepEqual({ status, stdout }, { status: 0, stdout: 'EXIT-SUCCESS\n' }, stderr);
  const lines = stderr.trimEnd().split('\n');
  return lines.map((line) => line.replace(/^\[\d+\]/, '[N]').replaceAll(/0x[0-9a-f]{9,12}\b/g, 'P'));
}

describe('those who watch', { skip }, () => {
  for (const abi of ['trampfd', 'rfc-v1']) {
    test(`read a line for each call and refusal, and none for others, with --abi ${abi}`, async () => {
      const lines = await told('--trace', '--abi', abi);
      // Another thread tells it, and not always before this one has told of the call before.
      const invocations = lines.filter((line) => line.includes('invoke'));
      assert.deepEqual(invocations, ['[N] invoke P: refused (it has no registers)']);
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
          '[N] trampfd_create(TRAMPFD_USER, P, 0) = -1 EMFILE (the program can be given no descriptor)',
        ],
      );
    });
  }

  test('read at the end what was done', async () => {
    const [line, ...others] = await told('--stats');
    assert.deepEqual(others, []);
    const { objectsAlive, ...stats } = JSON.parse(line!.replace('trampfd: ', '')) as Record<string, number>;
    assert.deepEqual(stats, { calls: 10, refused: 2, objectsMade: 2 });
    assert.ok(objectsAlive! <= 2);
  });
});
