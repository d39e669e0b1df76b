/** Which method makes the code, when some are refused and when the caller names one. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { CodePageMethodName } from '#src/codepage/code-page-method.js';
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

/** A shape that is shipped, and one that is not. */
const [shipped, unknown] = ['arg0', 'arg0,arg1,arg2'];
const [none, folder] = [{ TRAMPFD_METHODS: '' }, mkdtempSync(join(tmpdir(), 'trampfd-test-'))];
after(() => rmSync(folder, { recursive: true }));

const memfdRefused = 'Cannot make a code page by memfd: memfd_create failed (EPERM)';
const noTemplate = `Cannot make a code page by template: ${templatePath(process.arch)}: it has no code for this shape`;
const noSupervisor =
  'Cannot make a code page by trampfd: no supervisor runs this program; "trampfd run -- program" does';
const everyMethod = 'Cannot make a code page: every method is refused; "trampfd doctor" tells by whom';

interface Made {
  readonly method?: CodePageMethodName;
  readonly path?: string;
  readonly name?: string;
  readonly message?: string;
  readonly code?: string;
  readonly syscall?: string;
  readonly causes?: number;
}

/** Makes tables of some shapes in a process of its own. */
async function make(
  shapes: readonly string[],
  {
    method = '',
    env = none,
    before = [],
  }: { method?: string; env?: Record<string, string>; before?: readonly SyscallRequest[] } = {},
): Promise<Made[]> {
  const args = [method, ...shapes];
  const { status, stdout, stderr } = await runUnder(before, 'codepage/ladder', { args, env });
  assert.equal(status, 0, stderr);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Made);
}

/** Why no system call can be refused. */
const noFilter = needs('seccomp');
const restricted = (...names: RestrictionName[]) => restrictionSyscalls(hostMachine(), names);
const needsNamespace =
  noFilter ||
  (process.getuid?.() !== 0 && !(await canEnterUserNamespace()) && 'needs root or a user namespace');
const noexec = [...restricted('noexec-tmp'), ...exceptCheckout(), ...restricted('no-memfd')];
const inTmp = { TRAMPFD_METHODS: '', TMPDIR: '/tmp' };

describe('the ladder', () => {
  test('begins with memfd', async () => {
    const made = await make([shipped!, unknown!]);
    assert.deepEqual(
      made.map(({ method }) => method),
      ['memfd', 'memfd'],
    );
  });

  test('goes on to template, and for shapes that it does not have to file', { skip: noFilter }, async () => {
    const made = await make([shipped!, unknown!], { before: restricted('no-memfd') });
    assert.deepEqual(
      made.map(({ method }) => method),
      ['template', 'file'],
    );
  });

  test('goes past file to trampfd, never to writable code, and tells what refused each', {
    skip: needsNamespace,
  }, async () => {
    const [first, second] = await make([shipped!, unknown!], { before: noexec, env: inTmp });
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

  test('takes another temporary folder', { skip: needsNamespace }, async () => {
    const elsewhere = mkdtempSync(fileURLToPath(new URL('../../tmp-', import.meta.url)));
    try {
      const env = { TRAMPFD_METHODS: '', TMPDIR: elsewhere };
      const [made] = await make([unknown!], { before: noexec, env });
      assert.equal(made!.method, 'file');
      assert.ok(made!.path!.startsWith(`${elsewhere}/`), made!.path);
      assert.deepEqual(readdirSync(elsewhere), []);
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });

  test('stays where it is when there are no descriptors left', () => {
    const before = process.env['TRAMPFD_METHODS'];
    process.env['TRAMPFD_METHODS'] = '';
    const registers = ['arg0', 'arg4'] as const;
    // The first table of a process opens its list.
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
      /^Cannot make a code page by memfd: memfd_create failed \(EMFILE\); the process/,
    );
    assert.equal(error.cause, undefined);
  });
});

describe('a method that is named', () => {
  const named: readonly CodePageMethodName[] = ['memfd', 'template', 'file', 'rwx', 'remap'];
  const allowed = mdweState() === true ? named.slice(0, 3) : named;

  for (const method of allowed) {
    test(`${method} is taken`, async () => {
      const [byOption] = await make([shipped!], { method, env: { TRAMPFD_METHODS: 'memfd' } });
      assert.equal(byOption!.method, method);
      const [byVariable] = await make([shipped!], { env: { TRAMPFD_METHODS: method } });
      assert.equal(byVariable!.method, method);
    });
  }

  test('is not replaced when it is refused', { skip: noFilter }, async () => {
    const before = restricted('no-memfd');
    const refused = { name: 'TrampfdError', message: memfdRefused, code: 'EPERM', syscall: 'memfd_create' };
    assert.deepEqual(await make([shipped!], { method: 'memfd', before }), [refused]);
    const [byVariable] = await make([shipped!], { env: { TRAMPFD_METHODS: 'memfd' }, before });
    assert.equal(byVariable!.message, `${everyMethod}\n  memfd: ${memfdRefused}`);
    const [withoutSupervisor] = await make([shipped!], { method: 'trampfd' });
    assert.deepEqual(
      [withoutSupervisor!.code, withoutSupervisor!.message],
      ['ERR_TRAMPFD_NO_SUPERVISOR', noSupervisor],
    );
  });

  test('several in TRAMPFD_METHODS are tried in that order', async () => {
    const [made] = await make([shipped!], { env: { TRAMPFD_METHODS: 'trampfd,file,memfd' } });
    assert.equal(made!.method, 'file');
  });

  for (const [value, wrong] of [
    ['magic', 'magic'],
    ['memfd,magic', 'magic'],
    ['memfd,', ''],
    ['memfd, file', ' file'],
    ['MEMFD', 'MEMFD'],
  ]) {
    test(`TRAMPFD_METHODS=${JSON.stringify(value)} is wrong`, async () => {
      const [made] = await make([shipped!], { env: { TRAMPFD_METHODS: value! } });
      const message =
        'TRAMPFD_METHODS must be "memfd" or "template" or "file" or "trampfd" or "rwx" or "remap", ' +
        `not ${JSON.stringify(wrong)}`;
      assert.deepEqual(made, { name: 'RangeError', message });
    });
  }
});

describe('the file of `file`', () => {
  const env = { TRAMPFD_METHODS: 'file', TMPDIR: folder };
  const __O_TMPFILE = 0o20000000;
  const { openat } = hostMachine().linux.systemCalls;
  const { EISDIR, EOPNOTSUPP, ENOENT, EINVAL, EACCES } = constants.errno;
  const withoutTmpfile = (errno: number) =>
    filter([{ syscall: openat, errno, when: [{ argument: 2, anyBits: __O_TMPFILE }] }]);

  test('stands in TMPDIR without a name', async () => {
    const [made] = await make([shipped!], { env });
    assert.match(made!.path!, new RegExp(`^${folder}/#\\d+ \\(deleted\\)$`));
    assert.deepEqual(readdirSync(folder), []);
  });

  for (const [name, errno] of Object.entries({ EISDIR, EOPNOTSUPP, ENOENT, EINVAL })) {
    test(`loses its name where O_TMPFILE is refused with ${name}`, { skip: noFilter }, async () => {
      const [made] = await make([shipped!, unknown!], { env, before: withoutTmpfile(errno) });
      assert.match(made!.path!, new RegExp(`^${folder}/trampfd-[-0-9a-f]{36} \\(deleted\\)$`));
      assert.deepEqual(readdirSync(folder), []);
    });
  }

  test('is not made where files are refused', { skip: noFilter }, async () => {
    const refused = (where: string, errno: string) =>
      `${everyMethod}\n  file: Cannot make a code page by file in ${where}: open failed (${errno})`;
    const [forbidden] = await make([shipped!], { env, before: withoutTmpfile(EACCES) });
    assert.equal(forbidden!.message, refused(folder, 'EACCES'));
    const nowhere = join(folder, 'nowhere');
    const [missing] = await make([shipped!], { env: { ...env, TMPDIR: nowhere } });
    assert.equal(missing!.message, refused(nowhere, 'ENOENT'));
  });
});

describe('descriptors', () => {
  const { numbers, aliases } = hostMachine().registerFile;
  const names = Object.keys(numbers).filter((name) => name !== aliases.pc) as TableRegister[];
  /** Every two registers: 105 shapes, of which some are shipped. */
  const shapes = names
    .flatMap((a, index) => names.slice(index + 1).map((b) => [a, b] as const))
    .slice(0, 100);
  const open = () => readdirSync('/proc/self/fd').length;

  for (const method of ['memfd', 'template', 'file'] as const) {
    test(`are given back by ${method}, whether tables are made or refused`, () => {
      assert.equal(shapes.length, 100);
      createTrampolineTable({ registers: [] }).close();
      const before = open();
      const tables = shapes.flatMap((registers) => {
        let table: { close(): void } | undefined;
        const answer = outcome(() => {
          table = createTrampolineTable({ registers, codeSource: method });
        });
        assert.ok(answer === 'ok' || (method === 'template' && answer === 'ERR_NO_TEMPLATE'), answer);
        return table ?? [];
      });
      assert.equal(open(), before + tables.length);
      assert.ok(tables.length >= (method === 'template' ? 10 : 100), `${tables.length}`);
      for (const table of tables) table.close();
      assert.equal(open(), before);
    });
  }
});
