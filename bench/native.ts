/** Compiles the C parts of the benchmark and calls their loops. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { addressOf, nativeFunction, symbolAddress } from 'trampfd';
import { hasHeader, hasTool } from '../scripts/ensure-tools.js';
import { assertResult } from './harness.js';
import { root } from './paths.js';

const folder = join(root, 'build/bench');

/** The second and third argument of every call. Trampolines load the third; callers pass another. */
export const second = 3n;
export const third = 5n;

const common = ['-O2', '-Wall', '-Wextra', '-Werror'];
/** Headers are part of Node's own distributions. */
const nodeHeaders = join(dirname(dirname(process.execPath)), 'include/node');

const libraries = {
  loop: {
    files: ['loop.c', 'target.c', 'nested.c', 'slow.c', 'supervised.c', 'count.c', 'closure.c', 'stores.c'],
    flags: ['-Wl,-z,noexecstack'],
  },
  libffi: { files: ['libffi.c'], flags: ['-lffi'] },
  libffcall: { files: ['libffcall.c'], flags: ['-lffcall', '-ltrampoline'] },
  calls: { files: ['calls.c'], flags: [] },
  napi: { files: ['napi.c', 'closure.c'], flags: [`-I${nodeHeaders}`] },
  addon: { files: ['addon.c', 'calls.c'], flags: [`-I${nodeHeaders}`] },
} as const;

export type Library = keyof typeof libraries;

const programs = {
  client: ['client.c', 'loop.c', 'target.c'],
  'minimal-supervisor': ['minimal-supervisor.c'],
} as const;

/** Compiles all libraries and programs. This is faster than a check whether they are up to date. */
export function compileNative(): void {
  if (!hasTool('gcc')) throw new Error('The benchmark needs gcc');
  mkdirSync(folder, { recursive: true });
  for (const name of Object.keys(libraries) as Library[]) {
    if (missing(name) !== undefined) continue;
    const { files, flags } = libraries[name];
    const sources = files.map((file) => join(root, 'bench/native', file));
    execFileSync('gcc', [...common, '-shared', '-fPIC', '-o', library(name), ...sources, ...flags]);
  }
  for (const [name, files] of Object.entries(programs)) {
    const sources = files.map((file) => join(root, 'bench/native', file));
    execFileSync('gcc', [...common, '-o', program(name as keyof typeof programs), ...sources]);
  }
}

/** Returns the reason if a library cannot be compiled. */
export function missing(name: Library): string | undefined {
  if (name === 'libffi' && !hasHeader('ffi.h')) return 'needs libffi-dev';
  if (name === 'libffcall' && !hasHeader('callback.h')) return 'needs libffcall-dev';
  if ((name === 'addon' || name === 'napi') && !existsSync(join(nodeHeaders, 'node_api.h')))
    return "needs Node's headers";
  return undefined;
}

/** Returns the address of the function that trampolines jump to. */
export function target(): bigint {
  return symbolAddress('target', library('loop'));
}

/** Returns a C function that takes a `struct run *` and may take another pointer. */
export function native(name: string, from: Library = 'loop'): (run: Run) => bigint {
  const call = nativeFunction('intptr_t (void *, uintptr_t)', symbolAddress(name, library(from)));
  return (run) => call(run.words, run.extra);
}

/**
 * Counts the instructions of one call in a C loop, as the difference of ten and twenty calls. Returns `undefined` if the
 * system does not permit counting.
 */
export function instructions(
  loop: string,
  parameters: Omit<RunParameters, 'count' | 'extra'>,
): number | undefined {
  const [few, more] = [10, 20].map((count) => {
    const run = new Run({ ...parameters, count, extra: symbolAddress(loop, library('loop')) });
    const counted = native('count_instructions')(run);
    if (counted !== 0n) assertResult(loop, run.sum, sumOf(count));
    return Number(counted);
  });
  return few === 0 ? undefined : (more! - few!) / 10;
}

/** Parameters of a C loop. */
export interface RunParameters {
  readonly call?: bigint;
  readonly second?: bigint;
  readonly third?: bigint;
  readonly count: number;
  readonly extra?: bigint;
}

/** `struct run` of `native/run.h`. */
export class Run {
  readonly words = new BigUint64Array(6);
  /** Second argument of functions that take one. */
  readonly extra: bigint;

  constructor(parameters: RunParameters) {
    const { call = 0n, third = 0n, count, extra = 0n } = parameters;
    this.words.set([call, parameters.second ?? second, third, BigInt(count)]);
    this.extra = extra;
  }

  get sum(): bigint {
    return this.words[4]!;
  }

  get nanoseconds(): number {
    return Number(this.words[5]!);
  }
}

/** Returns the sum of the results of `count` calls with the same third argument. */
export function sumOf(count: number, thirdArgument: bigint = third): bigint {
  const n = BigInt(count);
  return BigInt.asUintN(64, (n * (n - 1n)) / 2n + n * (second + thirdArgument));
}

/** Calls each address and checks the sum of the results; `thirds` is the sum of the third arguments. */
export function assertEach(subject: string, addresses: BigUint64Array, thirds: bigint): void {
  const run = new Run({ count: addresses.length, extra: addressOf(addresses) });
  native('call_each')(run);
  assertResult(subject, run.sum, BigInt.asUintN(64, sumOf(addresses.length, 0n) + thirds));
}

/** Returns the reason if there is no C supervisor to compare with. */
export function missingSupervisor(): string | undefined {
  return process.arch === 'x64' ? undefined : 'is written for x86-64';
}

/** Returns the path of a C program. */
export function program(name: keyof typeof programs): string {
  return join(folder, name);
}

/** Returns the path of a C library. */
export function library(name: Library): string {
  return join(folder, `${name}.so`);
}
