/** Tests every cell of the table of guarantees in `docs/code-pages.md`. */
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { CodeSource } from '#src/codepage/code-page-method.js';
import { templatePath } from '#src/codepage/template.js';
import { createTrampolineTable, TrampfdError } from '#src/index.js';
import type { SyscallRequest } from '#src/launcher/syscall-script.js';
import { hasMseal, mdweState } from '#src/linux/features.js';
import { __NR_mseal } from '#src/linux/mm/memory.js';
import { filter, runUnder } from '../support/launched.js';
import { needs } from '../support/needs.js';

const ENOSYS = 38;
const isRoot = process.getuid?.() === 0;

/** The beginning of each row in the document, and its route in `routes.child.ts`, in the order to try them. */
const routes = {
  'the program, by a stray store': 'store',
  'the program, by `mprotect`': 'mprotect',
  'the program or its debugger': 'mem',
  'the program, by dropping pages': 'madvise',
  'the program, by mapping other memory': 'other memory',
  'another user': 'other user',
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

interface RouteResult {
  readonly route: Route;
  readonly answers: readonly string[];
  readonly changed: boolean;
}

interface Run {
  readonly results: ReadonlyMap<Route, RouteResult>;
  readonly signal: NodeJS.Signals | null;
}

/** Tries routes in a process of its own, since some of them end it. */
async function attack(
  method: CodeSource,
  routes: readonly Route[],
  conditions: readonly SyscallRequest[] = [],
): Promise<Run> {
  // Accessible to all users: only the file's own mode restricts access.
  const folder = mkdtempSync(join(tmpdir(), 'trampfd-test-'));
  chmodSync(folder, 0o755);
  try {
    const templates = join(folder, 'templates.bin');
    copyFileSync(templatePath(process.arch), templates);
    const args = [method, templates, ...routes];
    const { stdout, stderr, status, signal } = await runUnder(conditions, 'codepage/routes', { args });
    assert.ok(status === 0 || signal !== null, stderr);
    const lines = stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as RouteResult);
    return { results: new Map(lines.map((result) => [result.route, result])), signal };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Returns a cell's text, from the results with `mseal` and without. */
function cellOf({ answers, changed }: RouteResult, without: RouteResult): string {
  if (answers.length === 0) return 'no file';
  if (changed) return 'changes it';
  if (without.changed) return 'mseal';
  if (answers.every((answer) => answer === 'ok')) return 'no effect';
  for (const answer of [...answers, ...without.answers]) assert.match(answer, /^(EACCES|EPERM|EIO)$/);
  return 'refused';
}

test('the table has the methods and routes of this test', () => {
  assert.deepEqual(heads!.slice(1).map(plain), ['memfd', 'template', 'file', 'rwx', 'remap']);
  const starts = Object.keys(routes);
  assert.equal(rows.length, starts.length);
  for (const start of starts)
    assert.equal(rows.filter(([head]) => head!.trimStart().startsWith(start)).length, 1, start);
});

for (const [column, name] of heads!.entries()) {
  if (column === 0) continue;
  const method = plain(name) as CodeSource;

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
        attack(method, isRoot ? all : all.filter((route) => route !== 'other user')),
        attack(
          method,
          all.filter((route) => route !== 'other user'),
          filter([{ syscall: __NR_mseal, errno: ENOSYS }]),
        ),
      ]);
    });

    for (const row of rows) {
      const start = Object.keys(routes).find((start) =>
        row[0]!.trimStart().startsWith(start),
      ) as keyof typeof routes;
      const route = routes[start];
      const expected = plain(row[column]!);
      const skip =
        (route === 'other user' && !isRoot && 'needs root to become another user') ||
        (expected === 'mseal' && !hasMseal() && 'needs mseal (Linux 6.10)');
      test(`${plain(row[0]!)}: ${expected}`, { skip }, (t) => {
        if (route === 'store') {
          const changed = store!.results.get('store')?.changed;
          assert.equal(
            expected,
            store!.signal === 'SIGSEGV' ? 'faults' : changed ? 'changes it' : store!.signal,
          );
          return;
        }
        const result = usual!.results.get(route)!;
        if (route === 'mem' && method === 'remap' && result.answers.includes('EIO')) {
          return t.skip('this kernel forbids it (proc_mem.force_override)');
        }
        assert.equal(expected, cellOf(result, without!.results.get(route) ?? result));
        // The last route; the process reads the code afterwards.
        if (route === 'truncate') assert.equal(usual!.signal, expected === 'changes it' ? 'SIGBUS' : null);
      });
    }
  });
}

test('trampfd fails without a system call if there is no supervisor', () => {
  assert.throws(() => createTrampolineTable({ registers: [], codeSource: 'trampfd' }), {
    name: 'TrampfdError',
    code: 'ERR_TRAMPFD_NO_SUPERVISOR',
    message:
      'Cannot create a code page by trampfd: no supervisor runs this program; "trampfd run -- program" does',
    syscall: undefined,
  });
});
