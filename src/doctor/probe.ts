/**
 * The program that tries one code page method, or looks at the system, and prints what it found as a line of
 * JSON. It runs in a process of its own, which may be restricted, and which may crash without harm.
 *
 *     node --jitless probe.js METHOD|system
 */

import type { CodePageMethodName } from '../codepage/code-page-method.js';
import { acquireRegion } from '../codepage/regions.js';
import { TrampfdError } from '../core/errors.js';
import { emptyShape } from '../core/shape.js';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  mmap,
  PROT_READ,
  PROT_WRITE,
  pageSize,
} from '../linux/mm/memory.js';
import { dlsym } from '../native/dl.js';
import { bindFunction } from '../native/function-pointers.js';
import { copyToMemory } from '../native/memory-view.js';
import { collectSystemReport } from './system.js';

/** What became of a method. */
export type ProbeResult =
  | { readonly works: true }
  | {
      readonly works: false;
      readonly code: string;
      readonly syscall: string | null;
      readonly message: string;
    };

/** Makes one trampoline by a method, and calls it. */
function probeMethod(method: CodePageMethodName): ProbeResult {
  try {
    const region = acquireRegion(emptyShape, { codeLength: pageSize(), method });
    const { dataAddress, dataLength, codeAddress } = region;
    const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    mmap({ address: dataAddress, length: dataLength, prot: PROT_READ | PROT_WRITE, flags }, 'map data');
    copyToMemory(dataAddress, new Uint8Array(BigUint64Array.of(dlsym('getpid')!).buffer));
    const pid = bindFunction('int trampfd_probe()', codeAddress)();
    if (pid === process.pid) return { works: true };
    return { works: false, code: 'ERR_WRONG_RESULT', syscall: null, message: `the code returned ${pid}` };
  } catch (error) {
    if (!(error instanceof TrampfdError)) throw error;
    const { code, syscall, message } = error;
    return { works: false, code, syscall: syscall ?? null, message };
  }
}

const subject = process.argv[2] as CodePageMethodName | 'system';
console.log(JSON.stringify(subject === 'system' ? collectSystemReport() : probeMethod(subject)));
