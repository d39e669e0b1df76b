/** The C side of the benchmark: compiles it, and calls its loops. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import koffi from 'koffi';
import { addressOf, symbolAddress } from 'trampfd';
import { hasHeader, hasTool } from '../scripts/tools.js';
import { prove } from './harness.js';

export const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, 'build/bench');

/** The second and third argument of every call. No trampoline is given the third one: it has to know it. */
export const second = 3n;
export const third = 5n;

const common = ['-O2', '-Wall', '-Wextra', '-Werror'];
/** Where a Node that was installed with its headers has them. */
const nodeHeaders = join(dirname(dirname(process.execPath)), 'include/node');

const libraries = {
  loop: {
    files: ['loop.c', 'target.c', 'nested.c', 'slow.c', 'supervised.c', 'count.c', 'closure.c'],
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

/** Builds what is needed, once a run: `gcc` takes less time than knowing whether it had to. */
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

/** Why a part of the C side is not there, if so. */
export function missing(name: Library): string | undefined {
  if (name === 'libffi' && !hasHeader('ffi.h')) return 'needs libffi-dev';
  if (name === 'libffcall' && !hasHeader('callback.h')) return 'needs libffcall-dev';
  if ((name === 'addon' || name === 'napi') && !existsSync(join(nodeHeaders, 'node_api.h')))
    return "needs Node's headers";
  return undefined;
}

/** The function that trampolines lead to. */
export function target(): bigint {
  return symbolAddress('target', library('loop'));
}

/** A function of the C side that takes `struct run *`, and another pointer if it wants one. */
export function native(name: string, from: Library = 'loop'): (run: Run) => bigint {
  const type = koffi.proto('intptr_t (uintptr_t, uintptr_t)');
  const address = symbolAddress(name, library(from));
  return (run) => BigInt(koffi.call(address, type, addressOf(run.words), run.extra) as number | bigint);
}

/**
 * Instructions of one call in a loop of the C side, by the difference that ten more calls make; nothing where the
 * system does not let us count.
 */
export function instructions(loop: string, given: Omit<Given, 'count' | 'extra'>): number | undefined {
  const [few, more] = [10, 20].map((count) => {
    const run = new Run({ ...given, count, extra: symbolAddress(loop, library('loop')) });
    const counted = native('count_instructions')(run);
    if (counted !== 0n) prove(loop, run.sum, sumOf(count));
    return Number(counted);
  });
  return few === 0 ? undefined : (more! - few!) / 10;
}

/** What a loop is told. */
export interface Given {
  readonly call?: bigint;
  readonly second?: bigint;
  readonly third?: bigint;
  readonly count: number;
  readonly extra?: bigint;
}

/** `struct run` of `native/run.h`. */
export class Run {
  readonly words = new BigUint64Array(6);
  /** What some functions take besides. */
  readonly extra: bigint;

  constructor(given: Given) {
    this.words.set([given.call ?? 0n, given.second ?? second, given.third ?? 0n, BigInt(given.count)]);
    this.extra = given.extra ?? 0n;
  }

  get sum(): bigint {
    return this.words[4]!;
  }

  get nanoseconds(): number {
    return Number(this.words[5]!);
  }
}

/** What `count` calls sum up to when all know the same third argument. */
export function sumOf(count: number, known: bigint = third): bigint {
  const n = BigInt(count);
  return BigInt.asUintN(64, (n * (n - 1n)) / 2n + n * (second + known));
}

/** Calls each of the addresses, whose third arguments sum up to `known`, and checks that each was right. */
export function proveEach(what: string, addresses: BigUint64Array, known: bigint): void {
  const run = new Run({ count: addresses.length, extra: addressOf(addresses) });
  native('call_each')(run);
  prove(what, run.sum, BigInt.asUintN(64, sumOf(addresses.length, 0n) + known));
}

/** Why there is no small supervisor to compare with, if so. */
export function missingSupervisor(): string | undefined {
  return process.arch === 'x64' ? undefined : 'is written for x86-64';
}

/** A program of the C side; its path. */
export function program(name: keyof typeof programs): string {
  return join(folder, name);
}

export function library(name: Library): string {
  return join(folder, `${name}.so`);
}
