/** What we know of signal frames and actions, against the kernel's headers. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { kernelAction, SA_NODEFER, SA_ONSTACK, SA_SIGINFO, SIGSEGV } from '#src/linux/signal.js';
import * as frame from '#src/machine/x64/signal-frame.js';
import { compileProgram } from '../support/compile.js';
import { needs } from '../support/needs.js';

const skip = process.arch === 'x64' ? needs('gcc') : 'x86-64 only';

const named = (prefix: string, numbers: Readonly<Record<string, number>>): [string, number][] =>
  Object.entries(numbers).map(([name, value]) => [`${prefix}.${name}`, value]);

test('offsets and numbers are those of the headers', { skip }, () => {
  const text = execFileSync(compileProgram('signal-frame', ['signal-frame.c']), { encoding: 'utf8' });
  const saved = [...frame.savedRegisters, 'rsp', 'rip', 'rflags', 'segments', 'error'] as const;
  assert.deepEqual(
    Object.fromEntries([
      ...named('siginfo', frame.siginfo),
      ...named('ucontext', frame.ucontext),
      ...saved.map((name) => [`saved.${name}`, frame.savedAt(name)] as const),
      ...named('fpstate', frame.fpstate),
      ...named('segments', frame.segments),
      ...named('action', kernelAction),
      ...Object.entries({ autodisarm: frame.autodisarm, SIGSEGV, SA_SIGINFO, SA_ONSTACK, SA_NODEFER }),
    ]),
    JSON.parse(text),
  );
});
