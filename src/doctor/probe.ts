/**
 * Program that tries one code page method, or inspects the system, and prints the result as a line of JSON. Each run
 * is a process of its own: it may be restricted, and a crash affects no other method.
 *
 *     node --jitless probe.js METHOD|system
 */

import type { CodeSource } from '../codepage/code-page-method.js';
import { TrampfdError } from '../core/errors.js';
import { bindCFunction } from '../native/c-function.js';
import { dlsym } from '../native/dl.js';
import { createTrampoline } from '../trampolines/create-trampoline.js';
import { collectSystemReport } from './system.js';

export type ProbeResult =
  | { readonly works: true }
  | {
      readonly works: false;
      readonly code: string;
      readonly syscall: string | null;
      readonly message: string;
    };

/** Creates one trampoline by a method, and calls it. */
function probeMethod(method: CodeSource): ProbeResult {
  try {
    const registers = { pc: dlsym('getpid')! };
    // Debug mode, which the environment may set, needs more code than the trampoline's.
    const { address } = createTrampoline({ registers, codeSource: method, debug: false });
    const pid = bindCFunction('int trampfd_probe()', address)();
    if (pid === process.pid) return { works: true };
    const message = `the code returned ${pid}`;
    return { works: false, code: 'ERR_TRAMPFD_WRONG_RESULT', syscall: null, message };
  } catch (error) {
    if (!(error instanceof TrampfdError)) throw error;
    const { code, syscall, message } = error;
    return { works: false, code, syscall: syscall ?? null, message };
  }
}

const subject = process.argv[2] as CodeSource | 'system';
console.log(JSON.stringify(subject === 'system' ? collectSystemReport() : probeMethod(subject)));
