/** The table of guarantees in `docs/code-pages.md`: every cell is tried. */
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { CodePageMethodName } from '#src/codepage/code-page-method.js';
import { templatePath } from '#src/codepage/template.js';
import { createTrampolineTable, TrampfdError } from '#src/index.js';
import type { SyscallRequest } from '#src/launcher/syscall-script.js';
import { hasMseal, mdweState } from '#src/linux/features.js';
import { __NR_mseal } from '#src/linux/mm/memory.js';
import { filter, runUnder } from '../support/launched.js';
import { needs } from '../support/needs.js';

const ENOSYS = 38;
const isRoot = process.getuid?.() === 0;

/** The rows, by how they begin in the document, and the routes of `routes.child.ts` in the order to try them. */
const routes = {
  'the program, by a stray store': 'store',
  'the program, by `mprotect`': 'mprotect',
  'the program or its debugger': 'mem',
  'the program, by dropping pages': 'madvise',
  'the program, by mapping other memory': 'other memory',
  'another user': 'stranger',
  'the same user, by opening': 'file',
  'the same user, by truncating': 'truncate',
} as const;
type Route = (typeof routes)[keyof typeof routes];

const document = readFileSync(fileURLToPath(new URL('../../../docs/code-pages.md', import.meta.url)), 'utf8');
const [heads, , ...rows] = document
  .slice(document.indexOf('| who, and how'))
  .split('\n\n')[0]!
  .split('\n')
  .map((line) => line.split('|').slice(1, -1));
const plain = (cell: string) => cell.replaceAll(/[*`¹]/g, '').trim();

interface Found {
  readonly route: Route;
  readonly answers: readonly string[];
  readonly changed: boolean;
}

interface Run {
  readonly found: ReadonlyMap<Route, Found>;
  readonly signal: NodeJS.Signals | null;
}

/** Tries routes in a process of its own, which some of them end. */
async function attack(
  method: CodePageMethodName,
  tried: readonly Route[],
  conditions: readonly SyscallRequest[] = [],
): Promise<Run> {
  // Open to all, so that it is the file's own mode that keeps others off.
  const folder = mkdtempSync(join(tmpdir(), 'trampfd-test-'));
  chmodSync(folder, 0o755);
  try {
    const templates = join(folder, 'templates.bin');
    copyFileSync(templatePath(process.arch), templates);
    const args = [method, templates, ...tried];
    const { stdout, stderr, status, signal } = await runUnder(conditions, 'codepage/routes', { args });
    assert.ok(status === 0 || signal !== null, stderr);
    const lines = stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Found);
    return { found: new Map(lines.map((found) => [found.route, found])), signal };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What belongs into a cell: with `mseal`, and without. */
function cellOf({ answers, changed }: Found, without: Found): string {
  if (answers.length === 0) return 'no file';
  if (changed) return 'changes it';
  if (without.changed) return 'mseal';
  if (answers.every((answer) => answer === 'ok')) return 'no effect';
  for (const answer of [...answers, ...without.answers]) assert.match(answer, /^(EACCES|EPERM|EIO)$/);
  return 'refused';
}

test('the table has the methods and the routes that are tried here', () => {
  assert.deepEqual(heads!.slice(1).map(plain), ['memfd', 'template', 'file', 'rwx', 'remap']);
  const starts = Object.keys(routes);
  assert.equal(rows.length, starts.length);
  for (const start of starts)
    assert.equal(rows.filter(([head]) => head!.trimStart().startsWith(start)).length, 1, start);
});

for (const [column, name] of heads!.entries()) {
  if (column === 0) continue;
  const method = plain(name) as CodePageMethodName;

  if (mdweState() === true && (method === 'rwx' || method === 'remap')) {
    test(`${method} is refused under MDWE`, () => {
      const syscall = method === 'rwx' ? 'mmap' : 'mprotect';
      assert.throws(
        () => createTrampolineTable({ registers: ['arg0'], codeSource: method }),
        (error) => error instanceof TrampfdError && error.code === 'EACCES' && error.syscall === syscall,
      );
    });
    continue;
  }

  describe(`code by ${method}`, { skip: needs('seccomp') }, () => {
    let [store, usual, without]: Run[] = [];

    before(async () => {
      const all = Object.values(routes).filter((route) => route !== 'store');
      [store, usual, without] = await Promise.all([
        attack(method, ['store']),
        attack(method, isRoot ? all : all.filter((route) => route !== 'stranger')),
        attack(
          method,
          all.filter((route) => route !== 'stranger'),
          filter([{ syscall: __NR_mseal, errno: ENOSYS }]),
        ),
      ]);
    });

    for (const row of rows) {
      const start = Object.keys(routes).find((start) =>
        row[0]!.trimStart().startsWith(start),
      ) as keyof typeof routes;
      const route = routes[start];
      const told = plain(row[column]!);
      const skip =
        (route === 'stranger' && !isRoot && 'needs root to become another user') ||
        (told === 'mseal' && !hasMseal() && 'needs mseal (Linux 6.10)');
      test(`${plain(row[0]!)}: ${told}`, { skip }, (t) => {
        if (route === 'store') {
          const changed = store!.found.get('store')?.changed;
          assert.equal(told, store!.signal === 'SIGSEGV' ? 'faults' : changed ? 'changes it' : store!.signal);
          return;
        }
        const found = usual!.found.get(route)!;
        if (route === 'mem' && method === 'remap' && found.answers.includes('EIO')) {
          return t.skip('this kernel forbids it (proc_mem.force_override)');
        }
        assert.equal(told, cellOf(found, without!.found.get(route) ?? found));
        // The last one: it was touched after that.
        if (route === 'truncate') assert.equal(usual!.signal, told === 'changes it' ? 'SIGBUS' : null);
      });
    }
  });
}

test('trampfd is refused without asking the kernel', () => {
  assert.throws(() => createTrampolineTable({ registers: [], codeSource: 'trampfd' }), {
    name: 'TrampfdError',
    code: 'ERR_TRAMPFD_NO_SUPERVISOR',
    message:
      'Cannot make a code page by trampfd: no supervisor runs this program; "trampfd run -- program" does',
    syscall: undefined,
  });
});
