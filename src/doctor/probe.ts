/**
 * The program that tries one code page method, or looks at the system, and prints what it found as a line of
 * JSON. It runs in a process of its own, which may be restricted, and which may crash without harm.
 *
 *     node --jitless probe.js METHOD|system
 */

import type { CodePageMethodName } from '../codepage/method.js';
import { acquireRegion } from '../codepage/regions.js';
import { dlsym } from '../linux/dynamic-library.js';
import { nativeCall } from '../linux/libc.js';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  mmap,
  PROT_READ,
  PROT_WRITE,
  pageSize,
  writeMapped,
} from '../linux/memory.js';
import { TrampfdError } from '../trampoline/errors.js';
import { emptyShape } from '../trampoline/shape.js';
import { seenFromInside } from './system.js';

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
function tryMethod(method: CodePageMethodName): ProbeResult {
  try {
    const region = acquireRegion(emptyShape, { codeLength: pageSize(), method });
    const { data, dataLength, code } = region;
    const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    mmap({ address: data, length: dataLength, prot: PROT_READ | PROT_WRITE, flags }, 'map data');
    writeMapped(data, new Uint8Array(BigUint64Array.of(dlsym('getpid')!).buffer));
    const pid = nativeCall('int trampfd_probe()', code)();
    if (pid === process.pid) return { works: true };
    return { works: false, code: 'ERR_WRONG_RESULT', syscall: null, message: `the code returned ${pid}` };
  } catch (error) {
    if (!(error instanceof TrampfdError)) throw error;
    const { code, syscall, message } = error;
    return { works: false, code, syscall: syscall ?? null, message };
  }
}

const subject = process.argv[2] as CodePageMethodName | 'system';
console.log(JSON.stringify(subject === 'system' ? seenFromInside() : tryMethod(subject)));
