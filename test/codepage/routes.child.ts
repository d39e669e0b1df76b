/**
 * Tries routes by which the code of a method could be changed: `routes.child.js METHOD TEMPLATES ROUTE…`.
 * Prints a line of JSON for each. Some routes end this process.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, fstatSync, ftruncateSync, openSync, readdirSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { CodeSource } from '#src/codepage/code-page-method.js';
import { methods } from '#src/codepage/method-selection.js';
import { createTemplateMethod } from '#src/codepage/template.js';
import { createTrampolineTable, symbolAddress, viewMemory } from '#src/index.js';
import { type Mapping, mappingOf } from '#src/linux/process/proc-maps.js';
import { readMemory } from '#src/linux/process/proc-mem.js';
import { lengthOf, replacements, writes } from '../support/attacks.js';
import { libc, outcome } from '../support/libc.js';

const [PROT_READ, PROT_WRITE] = [1, 2];
const MAP_SHARED = 1;
const MADV_DONTNEED = 4;

const [method, templates, ...routes] = process.argv.slice(2) as [CodeSource, string, ...string[]];
// A copy: the installed file must not change.
Object.assign(methods, { template: createTemplateMethod(templates) });

/** Code created by the method, in a mapping of its own. */
class Target {
  readonly #table = createTrampolineTable({ registers: ['arg0'], codeSource: method });
  readonly mapping: Mapping;
  readonly before: Uint8Array;
  /** Every path to the mapped file. */
  readonly files: string[];
  /** The mapping's offset in the file. */
  readonly offset: number;

  constructor() {
    this.mapping = mappingOf(this.#table.add({ pc: symbolAddress('abs'), arg0: 7n }))!;
    this.before = this.#read().slice();
    const [, offset, inode, path] = /^\S+ \S+ (\S+) \S+ (\d+) *(.*)$/.exec(this.mapping.text)!;
    this.offset = Number.parseInt(offset!, 16);
    const descriptors = readdirSync('/proc/self/fd').filter(
      (fd) => inode !== '0' && inodeOf(Number(fd)) === Number(inode),
    );
    this.files = descriptors.map((fd) => `/proc/${process.pid}/fd/${fd}`);
    if (existsSync(path!)) this.files.push(path!);
    assert.equal(this.files.length > 0, method !== 'rwx' && method !== 'remap');
  }

  get changed(): boolean {
    let now: Uint8Array | undefined;
    outcome(() => {
      now = this.#read();
    });
    return now === undefined || Buffer.compare(now, this.before) !== 0;
  }

  /** Reads through /proc/self/mem: independent of the protection, without a fault. */
  #read(): Uint8Array {
    return readMemory(this.mapping.start, lengthOf(this.mapping));
  }
}

function inodeOf(fd: number): number | undefined {
  try {
    return fstatSync(fd).ino;
  } catch {
    return undefined; // the fd by which the folder was read
  }
}

/** An ordinary store instruction. */
function store({ mapping: { start } }: Target): void {
  const bytes = viewMemory(start, 8);
  bytes[0] = bytes[0]! ^ 0xff;
}

interface RouteResult {
  readonly answers: readonly string[];
  readonly changed: boolean;
}

/** Runs each attempt on a new target. */
function each(attempts: readonly ((target: Target) => unknown)[]): RouteResult {
  const results = attempts.map((attempt) => {
    const target = new Target();
    const answer = outcome(() => attempt(target));
    return { answer, changed: target.changed };
  });
  return { answers: results.map(({ answer }) => answer), changed: results.some(({ changed }) => changed) };
}

/** Runs attempts on the file, by every path to it. They also change later mappings of the file. */
function reopened(attempts: readonly ((fd: number) => unknown)[]): RouteResult {
  const answers = first.files.flatMap((path) =>
    attempts.map((attempt) =>
      outcome(() => {
        const fd = openSync(path, 'r+');
        try {
          attempt(fd);
        } finally {
          closeSync(fd);
        }
      }),
    ),
  );
  return { answers, changed: first.changed };
}

const attackNames = (attacks: (mapping: Mapping) => object) => Object.keys(attacks(new Target().mapping));

const tries: Readonly<Record<string, () => RouteResult>> = {
  store: () => each([store]),
  mprotect: () =>
    each(
      ['mprotect +W', 'mprotect +W+X'].map((name) => (target: Target) => {
        const answer = outcome(writes(target.mapping)[name]![0]);
        if (mappingOf(target.mapping.start)!.writable) store(target);
        if (answer !== 'ok') throw Object.assign(new Error(), { code: answer });
      }),
    ),
  mem: () => each([(target) => writes(target.mapping)['/proc/self/mem']![0]()]),
  madvise: () => each([({ mapping }) => libc.madvise(mapping.start, lengthOf(mapping), MADV_DONTNEED)]),
  'other memory': () =>
    each(
      attackNames(replacements).map(
        (name) =>
          ({ mapping }) =>
            replacements(mapping)[name]![0](),
      ),
    ),
  'other user': () => {
    const target = new Target();
    const script = fileURLToPath(new URL('other-user.child.js', import.meta.url));
    const args = [script, `${process.pid}`, `${target.mapping.start}`, `${target.offset}`, ...target.files];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    assert.match(stdout, /^\[/, stderr);
    return { answers: JSON.parse(stdout) as string[], changed: target.changed };
  },
  file: () =>
    reopened([
      (fd) => writeSync(fd, new Uint8Array(8).fill(0x90), 0, 8, first.offset),
      (fd) => {
        const prot = PROT_READ | PROT_WRITE;
        const view = libc.mmap(0n, lengthOf(first.mapping), prot, MAP_SHARED, fd, BigInt(first.offset));
        viewMemory(BigInt(view), 8).fill(0x91);
      },
    ]),
  truncate: () => reopened([(fd) => ftruncateSync(fd, 0)]),
};

const first = new Target();
for (const route of routes) {
  writeSync(1, `${JSON.stringify({ route, ...tries[route]!() })}\n`);
}
// Faults if the file was truncated.
viewMemory(first.mapping.start, 8).slice();
