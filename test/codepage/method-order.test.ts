/** The order in which code page methods are tried, and named methods. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { CodeSource } from '#src/codepage/code-page-method.js';
import { templatePath } from '#src/codepage/template.js';
import { createTrampolineTable, type TableRegister, TrampfdError } from '#src/index.js';
import { type RestrictionName, restrictionSyscalls } from '#src/launcher/restrictions.js';
import type { SyscallRequest } from '#src/launcher/syscall-script.js';
import { canEnterUserNamespace } from '#src/launcher/user-namespace.js';
import { mdweState } from '#src/linux/features.js';
import { hostMachine } from '#src/native/host.js';
import { exceptCheckout, filter, runUnder } from '../support/launched.js';
import { outcome } from '../support/libc.js';
import { fillDescriptors } from '../support/limits.js';
import { needs } from '../support/needs.js';

/** A shape in the template file, and one that is not. */
const [shipped, unknown] = ['arg0', 'arg0,arg1,arg2'];
const [none, folder] = [{ TRAMPFD_METHODS: '' }, mkdtempSync(join(tmpdir(), 'trampfd-test-'))];
after(() => rmSync(folder, { recursive: true }));

const memfdRefused = 'Cannot create a code page by memfd: memfd_create failed (EPERM)';
const noTemplate = `Cannot create a code page by template: ${templatePath(process.arch)}: it has no code for this shape`;
const noSupervisor =
  'Cannot create a code page by trampfd: no supervisor runs this program; "trampfd run -- program" does';
const everyMethod = 'Cannot create a code page: every method failed; run "trampfd doctor" to see why';

interface Result {
  readonly method?: CodeSource;
  readonly path?: string;
  readonly name?: string;
  readonly message?: string;
  readonly code?: string;
  readonly syscall?: string;
  readonly causes?: number;
}

/** Creates tables of some shapes in a process of its own. */
async function createTables(
  shapes: readonly string[],
  {
    codeSource = '',
    env = none,
    before = [],
  }: { codeSource?: string; env?: Record<string, string>; before?: readonly SyscallRequest[] } = {},
): Promise<Result[]> {
  const args = [codeSource, ...shapes];
  const { status, stdout, stderr } = await runUnder(before, 'codepage/method-order', { args, env });
  assert.equal(status, 0, stderr);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Result);
}

/** The reason why seccomp filters cannot be used here, or false. */
const noFilter = needs('seccomp');
const restricted = (...names: RestrictionName[]) => restrictionSyscalls(hostMachine(), names);
const needsNamespace =
  noFilter ||
  (process.getuid?.() !== 0 && !(await canEnterUserNamespace()) && 'needs root or a user namespace');
const noexec = [...restricted('noexec-tmp'), ...exceptCheckout(), ...restricted('no-memfd')];
const inTmp = { TRAMPFD_METHODS: '', TMPDIR: '/tmp' };

describe('without a name', () => {
  test('memfd is used first', async () => {
    const results = await createTables([shipped!, unknown!]);
    assert.deepEqual(
      results.map(({ method }) => method),
      ['memfd', 'memfd'],
    );
  });

  test('template is next, then file for shapes that are no template', { skip: noFilter }, async () => {
    const results = await createTables([shipped!, unknown!], { before: restricted('no-memfd') });
    assert.deepEqual(
      results.map(({ method }) => method),
      ['template', 'file'],
    );
  });

  test('after file comes trampfd, never writable code; the error has the reason of each method', {
    skip: needsNamespace,
  }, async () => {
    const [first, second] = await createTables([shipped!, unknown!], { before: noexec, env: inTmp });
    assert.equal(first!.method, 'template');
    const { message, ...rest } = second!;
    assert.deepEqual(message!.split('\n'), [
      everyMethod,
      `  memfd: ${memfdRefused}`,
      `  template: ${noTemplate}`,
      '  file: Cannot map a code page by file: mmap failed (EPERM)',
      `  trampfd: ${noSupervisor}`,
    ]);
    assert.deepEqual(rest, { name: 'TrampfdError', code: 'EPERM', syscall: 'memfd_create', causes: 4 });
  });

  test('file uses another temporary folder', { skip: needsNamespace }, async () => {
    const elsewhere = mkdtempSync(fileURLToPath(new URL('../../tmp-', import.meta.url)));
    try {
      const env = { TRAMPFD_METHODS: '', TMPDIR: elsewhere };
      const [result] = await createTables([unknown!], { before: noexec, env });
      assert.equal(result!.method, 'file');
      assert.ok(result!.path!.startsWith(`${elsewhere}/`), result!.path);
      assert.deepEqual(readdirSync(elsewhere), []);
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });

  test('EMFILE selects no other method', () => {
    const before = process.env['TRAMPFD_METHODS'];
    process.env['TRAMPFD_METHODS'] = '';
    const registers = ['arg0', 'arg4'] as const;
    // The first table of a process opens the registry.
    createTrampolineTable({ registers: [] }).close();
    const obstacle = fillDescriptors();
    let error: unknown;
    try {
      createTrampolineTable({ registers });
    } catch (thrown) {
      error = thrown;
    } finally {
      obstacle.remove();
    }
    if (before === undefined) delete process.env['TRAMPFD_METHODS'];
    else process.env['TRAMPFD_METHODS'] = before;
    assert.ok(error instanceof TrampfdError, `${error}`);
    assert.equal(error.code, 'EMFILE');
    assert.match(
      error.message,
      /^Cannot create a code page by memfd: memfd_create failed \(EMFILE\); the process/,
    );
    assert.equal(error.cause, undefined);
  });
});

describe('a named method', () => {
  const named: readonly CodeSource[] = ['memfd', 'template', 'file', 'rwx', 'remap'];
  const allowed = mdweState() === true ? named.slice(0, 3) : named;

  for (const method of allowed) {
    test(`${method} is used`, async () => {
      const [byOption] = await createTables([shipped!], {
        codeSource: method,
        env: { TRAMPFD_METHODS: 'memfd' },
      });
      assert.equal(byOption!.method, method);
      const [byVariable] = await createTables([shipped!], { env: { TRAMPFD_METHODS: method } });
      assert.equal(byVariable!.method, method);
    });
  }

  test('is not replaced if it fails', { skip: noFilter }, async () => {
    const before = restricted('no-memfd');
    const refused = { name: 'TrampfdError', message: memfdRefused, code: 'EPERM', syscall: 'memfd_create' };
    assert.deepEqual(await createTables([shipped!], { codeSource: 'memfd', before }), [refused]);
    const [byVariable] = await createTables([shipped!], { env: { TRAMPFD_METHODS: 'memfd' }, before });
    assert.equal(byVariable!.message, `${everyMethod}\n  memfd: ${memfdRefused}`);
    const [withoutSupervisor] = await createTables([shipped!], { codeSource: 'trampfd' });
    assert.deepEqual(
      [withoutSupervisor!.code, withoutSupervisor!.message],
      ['ERR_TRAMPFD_NO_SUPERVISOR', noSupervisor],
    );
  });

  test('several in TRAMPFD_METHODS are tried in that order', async () => {
    const [result] = await createTables([shipped!], { env: { TRAMPFD_METHODS: 'trampfd,file,memfd' } });
    assert.equal(result!.method, 'file');
  });

  for (const [value, wrong] of [
    ['magic', 'magic'],
    ['memfd,magic', 'magic'],
    ['memfd,', ''],
    ['memfd, file', ' file'],
    ['MEMFD', 'MEMFD'],
  ]) {
    test(`TRAMPFD_METHODS=${JSON.stringify(value)} is wrong`, async () => {
      const [result] = await createTables([shipped!], { env: { TRAMPFD_METHODS: value! } });
      const message =
        'TRAMPFD_METHODS must be "memfd" or "template" or "file" or "trampfd" or "rwx" or "remap", ' +
        `not ${JSON.stringify(wrong)}`;
      assert.deepEqual(result, { name: 'RangeError', message });
    });
  }
});

describe('the temporary file of `file`', () => {
  const env = { TRAMPFD_METHODS: 'file', TMPDIR: folder };
  const __O_TMPFILE = 0o20000000;
  const { openat } = hostMachine().linux.systemCalls;
  const { EISDIR, EOPNOTSUPP, ENOENT, EINVAL, EACCES } = constants.errno;
  const withoutTmpfile = (errno: number) =>
    filter([{ syscall: openat, errno, when: [{ argument: 2, anyBits: __O_TMPFILE }] }]);

  test('is in TMPDIR and has no name', async () => {
    const [result] = await createTables([shipped!], { env });
    assert.match(result!.path!, new RegExp(`^${folder}/#\\d+ \\(deleted\\)$`));
    assert.deepEqual(readdirSync(folder), []);
  });

  for (const [name, errno] of Object.entries({ EISDIR, EOPNOTSUPP, ENOENT, EINVAL })) {
    test(`is unlinked if O_TMPFILE fails with ${name}`, { skip: noFilter }, async () => {
      const [result] = await createTables([shipped!, unknown!], { env, before: withoutTmpfile(errno) });
      assert.match(result!.path!, new RegExp(`^${folder}/trampfd-[-0-9a-f]{36} \\(deleted\\)$`));
      assert.deepEqual(readdirSync(folder), []);
    });
  }

  test('cannot be created: the error has folder and errno', { skip: noFilter }, async () => {
    const refused = (where: string, errno: string) =>
      `${everyMethod}\n  file: Cannot create a code page by file in ${where}: open failed (${errno})`;
    const [forbidden] = await createTables([shipped!], { env, before: withoutTmpfile(EACCES) });
    assert.equal(forbidden!.message, refused(folder, 'EACCES'));
    const nowhere = join(folder, 'nowhere');
    const [missing] = await createTables([shipped!], { env: { ...env, TMPDIR: nowhere } });
    assert.equal(missing!.message, refused(nowhere, 'ENOENT'));
  });
});

describe('fds', () => {
  const { numbers, aliases } = hostMachine().registerFile;
  const names = Object.keys(numbers).filter((name) => name !== aliases.pc) as TableRegister[];
  /** Pairs of registers; some are in the template file. */
  const shapes = names
    .flatMap((a, index) => names.slice(index + 1).map((b) => [a, b] as const))
    .slice(0, 100);
  const open = () => readdirSync('/proc/self/fd').length;

  for (const method of ['memfd', 'template', 'file'] as const) {
    test(`are closed by ${method}, whether createTrampolineTable succeeds or fails`, () => {
      assert.equal(shapes.length, 100);
      createTrampolineTable({ registers: [] }).close();
      const before = open();
      const tables = shapes.flatMap((registers) => {
        let table: { close(): void } | undefined;
        const answer = outcome(() => {
          table = createTrampolineTable({ registers, codeSource: method });
        });
        assert.ok(answer === 'ok' || (method === 'template' && answer === 'ERR_TRAMPFD_NO_TEMPLATE'), answer);
        return table ?? [];
      });
      assert.equal(open(), before + tables.length);
      assert.ok(tables.length >= (method === 'template' ? 10 : 100), `${tables.length}`);
      for (const table of tables) table.close();
      assert.equal(open(), before);
    });
  }
});
