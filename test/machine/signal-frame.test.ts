/** Compares constants of signal frames and actions with the kernel's headers. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { KERNEL_SIGACTION, SA_NODEFER, SA_ONSTACK, SA_SIGINFO, SIGSEGV } from '#src/linux/process/signal.js';
import * as arm64 from '#src/machine/arm64/faults/signal-frame.js';
import { SIGINFO } from '#src/machine/signal-constants.js';
import * as x64 from '#src/machine/x64/faults/signal-frame.js';
import { compileProgram } from '../support/compile.js';
import { needs } from '../support/needs.js';

const named = (prefix: string, numbers: Readonly<Record<string, number>>): [string, number][] =>
  Object.entries(numbers).map(([name, value]) => [`${prefix}.${name}`, value]);

const frames: Readonly<Record<string, () => [string, number][]>> = {
  x64() {
    const saved = [...x64.frameRegisters, 'rsp', 'rip', 'rflags', 'segments', 'error'] as const;
    return [
      ...named('siginfo', SIGINFO),
      ...named('ucontext', x64.ucontext),
      ...saved.map((name): [string, number] => [`saved.${name}`, x64.frameOffset(name)]),
      ...named('fpstate', x64.fpstate),
      ...named('segments', x64.segmentSelectors),
      ['autodisarm', x64.SS_AUTODISARM],
    ];
  },
  arm64: () => [
    ...named('siginfo', SIGINFO),
    ...named('ucontext', arm64.ucontext),
    ['linkRegister', arm64.linkRegisterOffset],
  ],
};

test('offsets and numbers equal those of the headers', { skip: needs('gcc') }, () => {
  const text = execFileSync(compileProgram('signal-frame', ['signal-frame.c']), { encoding: 'utf8' });
  assert.deepEqual(
    Object.fromEntries([
      ...frames[process.arch]!(),
      ...named('action', KERNEL_SIGACTION),
      ...Object.entries({ SIGSEGV, SA_SIGINFO, SA_ONSTACK, SA_NODEFER }),
    ]),
    JSON.parse(text),
  );
});
