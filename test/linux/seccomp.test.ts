/** Compiling seccomp filters. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seccompFilter } from '#src/linux/seccomp/seccomp.js';
import { hostMachine } from '#src/native/host.js';

test('a filter applies its rules and conditions', () => {
  const { systemCalls, auditArch, x32Bit } = hostMachine().linux;
  const program = seccompFilter(
    hostMachine(),
    [
      {
        syscall: systemCalls.mmap,
        errno: 1,
        when: [
          { argument: 2, anyBits: 4, notEquals: 7 },
          { argument: 3, anyBits: 0x20 },
        ],
      },
      { syscall: systemCalls.shmat, errno: 2, when: [{ argument: 2, anyBits: 0x8000 }] },
      { syscall: systemCalls.bpf, errno: 3 },
    ],
    38,
  );
  const run = (nr: number, args: readonly number[] = [], arch = auditArch) =>
    interpret(program, { nr, arch, args });
  assert.equal(run(systemCalls.mmap, [0, 0, 5, 0x22]), 1);
  assert.equal(run(systemCalls.mmap, [0, 0, 7, 0x22]), 'allow');
  assert.equal(run(systemCalls.mmap, [0, 0, 5, 2]), 'allow');
  assert.equal(run(systemCalls.mmap, [0, 0, 3, 0x22]), 'allow');
  assert.equal(run(systemCalls.shmat, [0, 0, 0x8001]), 2);
  assert.equal(run(systemCalls.shmat, [0, 0, 1]), 'allow');
  assert.equal(run(systemCalls.bpf), 3);
  assert.equal(run(systemCalls.read), 'allow');
  assert.equal(run(systemCalls.read, [], 3), 38);
  if (x32Bit !== undefined) assert.equal(run(x32Bit), 38);
});

/** Interprets the BPF instructions that filters use. */
function interpret(
  program: Uint8Array,
  { nr, arch, args }: { nr: number; arch: number; args: readonly number[] },
): number | 'allow' {
  const view = new DataView(program.buffer);
  const data = [nr, arch, 0, 0, ...args.flatMap((low) => [low, 0])];
  let accumulator = 0;
  for (let pc = 0; ; pc++) {
    const [code, jt, jf] = [view.getUint16(8 * pc, true), program[8 * pc + 2]!, program[8 * pc + 3]!];
    const k = view.getUint32(8 * pc + 4, true);
    if (code === 0x20) accumulator = (data[k / 4] ?? 0) >>> 0;
    else if (code === 0x15) pc += accumulator === k ? jt : jf;
    else if (code === 0x35) pc += accumulator >= k ? jt : jf;
    else if (code === 0x45) pc += (accumulator & k) !== 0 ? jt : jf;
    else if (code === 0x06) return k === 0x7fff0000 ? 'allow' : k & 0xffff;
    else throw new Error(`unknown instruction ${code}`);
  }
}
