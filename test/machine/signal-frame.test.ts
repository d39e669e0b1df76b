/** What we know of signal frames and actions, against the kernel's headers. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { kernelAction, SA_NODEFER, SA_ONSTACK, SA_SIGINFO, SIGSEGV } from '#src/linux/signal.js';
import * as arm64 from '#src/machine/arm64/signal-frame.js';
import * as x64 from '#src/machine/x64/signal-frame.js';
import { compileProgram } from '../support/compile.js';
import { needs } from '../support/needs.js';

const named = (prefix: string, numbers: Readonly<Record<string, number>>): [string, number][] =>
  Object.entries(numbers).map(([name, value]) => [`${prefix}.${name}`, value]);

const frames: Readonly<Record<string, () => [string, number][]>> = {
  x64() {
    const saved = [...x64.savedRegisters, 'rsp', 'rip', 'rflags', 'segments', 'error'] as const;
    return [
      ...named('siginfo', x64.siginfo),
      ...named('ucontext', x64.ucontext),
      ...saved.map((name): [string, number] => [`saved.${name}`, x64.savedAt(name)]),
      ...named('fpstate', x64.fpstate),
      ...named('segments', x64.segments),
      ['autodisarm', x64.autodisarm],
    ];
  },
  arm64: () => [
    ...named('siginfo', arm64.siginfo),
    ...named('ucontext', arm64.ucontext),
    ['linkRegister', arm64.linkRegister],
  ],
};

test('offsets and numbers are those of the headers', { skip: needs('gcc') }, () => {
  const text = execFileSync(compileProgram('signal-frame', ['signal-frame.c']), { encoding: 'utf8' });
  assert.deepEqual(
    Object.fromEntries([
      ...frames[process.arch]!(),
      ...named('action', kernelAction),
      ...Object.entries({ SIGSEGV, SA_SIGINFO, SA_ONSTACK, SA_NODEFER }),
    ]),
    JSON.parse(text),
  );
});
