/**
 * Tries the routes by which the bytes of a method's code could be changed: `routes.child.js METHOD TEMPLATES ROUTE…`.
 * Prints a line of JSON for each. Some routes end this process.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, fstatSync, ftruncateSync, openSync, readdirSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { CodePageMethodName } from '#src/codepage/code-page-method.js';
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

const [method, templates, ...routes] = process.argv.slice(2) as [CodePageMethodName, string, ...string[]];
// What is installed stays untouched.
Object.assign(methods, { template: createTemplateMethod(() => templates) });

/** Code of the method in a mapping of its own. */
class Target {
  readonly #table = createTrampolineTable({ registers: ['arg0'], codeSource: method });
  readonly mapping: Mapping;
  readonly before: Uint8Array;
  /** The file that is mapped, by every path to it; and where in it. */
  readonly files: string[];
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

  /** Whatever protection says, without a crash. */
  #read(): Uint8Array {
    return readMemory(this.mapping.start, lengthOf(this.mapping));
  }
}

function inodeOf(fd: number): number | undefined {
  try {
    return fstatSync(fd).ino;
  } catch {
    return undefined; // the descriptor by which the folder was read
  }
}

/** A store as any instruction of the program can make it. */
function store({ mapping: { start } }: Target): void {
  const bytes = viewMemory(start, 8);
  bytes[0] = bytes[0]! ^ 0xff;
}

interface Found {
  readonly answers: readonly string[];
  readonly changed: boolean;
}

/** Runs attempts that need a fresh target each. */
function each(attempts: readonly ((target: Target) => unknown)[]): Found {
  const found = attempts.map((attempt) => {
    const target = new Target();
    const answer = outcome(() => attempt(target));
    return { answer, changed: target.changed };
  });
  return { answers: found.map(({ answer }) => answer), changed: found.some(({ changed }) => changed) };
}

/** Attempts on the file, by every path to it. They change it for all that is mapped from it later. */
function reopened(attempts: readonly ((fd: number) => unknown)[]): Found {
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

const tries: Readonly<Record<string, () => Found>> = {
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
  stranger: () => {
    const target = new Target();
    const script = fileURLToPath(new URL('stranger.child.js', import.meta.url));
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
// What is truncated has no memory behind it any more.
viewMemory(first.mapping.start, 8).slice();
