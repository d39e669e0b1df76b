/** Restrictions: what C programs can do with and without them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { compileProgram } from '../support/compile.js';
import { needs } from '../support/needs.js';
import { answers, outsideTemporary, type RunOptions, runRestricted, users } from '../support/restricted.js';

const skipC = needs('gcc');
const root = fileURLToPath(new URL('../../..', import.meta.url));
const compiled = (name: string) => compileProgram(name, [`${name}.c`]);

/** Runs a C program under restrictions. @returns the result of each of its attempts */
function runAttempts(
  names: string | undefined,
  program: readonly [string, ...string[]],
  options: RunOptions = {},
): Record<string, string> {
  const [command, ...args] = program;
  const { status, stdout, stderr } =
    names === undefined
      ? spawnSync(command, args, { ...options.ids, cwd: options.cwd, encoding: 'utf8' })
      : runRestricted(names, program, options);
  assert.equal(stderr, '');
  assert.match(stdout, /^EXIT-SUCCESS$/m);
  assert.equal(status, 0);
  return answers(stdout);
}

/** Returns the results with these names. */
const pick = (all: Record<string, string>, ...names: string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, all[name] ?? 'not tried']));

/** Returns the results that are not as expected. */
const otherThan = (expected: string, all: Record<string, string>) =>
  Object.entries(all).filter(([, result]) => result !== expected);

const memoryRoutes = {
  'mmap W+X': 'EACCES',
  mprotect: 'EACCES',
  'mprotect W+X': 'EACCES',
  'shared twice': 'EACCES',
  'shared /dev/zero twice': 'EPERM',
  'shmat SHM_EXEC': 'EPERM',
  'shmat SHM_EXEC twice': 'EPERM',
  'shmat, mprotect': 'EACCES',
  personality: 'EPERM',
  memfd_create: 'EPERM',
  'memfd_create, private': 'EPERM',
  'memfd_create, huge': 'EPERM',
  memfd_secret: 'EPERM',
  '/proc/self/mem': 'EROFS',
};

const folders = ['/tmp', '/var/tmp', '/dev/shm'];
const fileRoutes = (folder: string) => ({
  [`write ${folder}`]: 'ok',
  [`map ${folder}`]: 'EPERM',
  [`map, mprotect ${folder}`]: 'EACCES',
  [`execute ${folder}`]: 'EACCES',
  [`execute without a name ${folder}`]: 'EACCES',
});

for (const { name, ids, skip } of users) {
  describe(`as ${name}`, { skip: skip || skipC || outsideTemporary }, () => {
    test('mdwe: memory cannot become executable; no-memfd: memfd_create and memfd_secret fail', () => {
      const program = compiled('code-memory');
      const free = runAttempts(undefined, [program], { ids });
      // It is attached read-only, so its second mapping cannot become writable.
      assert.deepEqual(otherThan('ok', free), [['shmat SHM_EXEC twice', 'EACCES']]);
      const mdwe = runAttempts('mdwe', [program], { ids });
      const refused = pick(memoryRoutes, 'mmap W+X', 'mprotect', 'mprotect W+X', 'shmat, mprotect');
      assert.deepEqual(pick(mdwe, ...Object.keys(refused)), refused);
      assert.equal(mdwe['memfd_create'], 'ok');
      const memfds = Object.keys(free).filter((route) => route.startsWith('memfd'));
      const withoutMemfd = runAttempts('no-memfd', [program], { ids });
      assert.deepEqual(pick(withoutMemfd, ...memfds), pick(memoryRoutes, ...memfds));
      const others = Object.keys(free).filter((route) => !route.startsWith('memfd'));
      assert.deepEqual(pick(withoutMemfd, ...others), pick(free, ...others));
    });

    test('system calls of other ABIs do not bypass a filter', () => {
      const native = { memfd_create: 'EPERM', 'syscall memfd_create': 'EPERM' };
      const foreign = process.arch === 'x64' ? { 'int 0x80': 'ENOSYS', x32: 'ENOSYS' } : {};
      for (const names of ['no-memfd', 'no-own-code']) {
        assert.deepEqual(runAttempts(names, [compiled('foreign')], { ids }), { ...native, ...foreign });
      }
    });

    test('noexec-tmp: no code from temporary folders, all other folders unrestricted', () => {
      const other = mkdtempSync(join(root, 'build/tmp-'));
      chmodSync(other, 0o777);
      const inside = mkdtempSync('/tmp/trampfd-test-');
      chmodSync(inside, 0o777);
      try {
        const program = [compiled('code-files'), ...folders, inside, other, '.'] as const;
        const free = runAttempts(undefined, program, { ids, cwd: inside });
        assert.deepEqual(otherThan('ok', free), []);
        assert.equal(Object.keys(free).length, 5 * 6);
        // '.' was opened before the folder above it became noexec.
        const restricted = runAttempts('noexec-tmp', program, { ids, cwd: inside });
        const refused = Object.assign({}, ...[...folders, inside, '.'].map(fileRoutes));
        assert.deepEqual(pick(restricted, ...Object.keys(refused)), refused);
        const allowed = Object.keys(free).filter((route) => route.endsWith(other));
        assert.deepEqual(otherThan('ok', pick(restricted, ...allowed)), []);
      } finally {
        rmSync(other, { recursive: true });
        rmSync(inside, { recursive: true });
      }
    });

    test('no-own-code: no code through memory or files', () => {
      assert.deepEqual(runAttempts('no-own-code', [compiled('code-memory')], { ids }), memoryRoutes);
      const other = mkdtempSync(join(root, 'build/tmp-'));
      chmodSync(other, 0o777);
      try {
        const program = [compiled('code-files'), ...folders, other, '.', '/run', '/usr'] as const;
        const found = runAttempts('no-own-code', program, { ids, cwd: '/tmp' });
        const expected = Object.assign({}, ...[...folders, '.'].map(fileRoutes));
        assert.deepEqual(pick(found, ...Object.keys(expected)), expected);
        assert.equal(found[`write ${other}`], 'EROFS');
        assert.ok(found['execute /run'] !== 'ok' && found['execute /usr'] !== 'ok');
      } finally {
        rmSync(other, { recursive: true });
      }
    });

    test('no-own-code cannot be undone; threads and children work', () => {
      const free = runAttempts(undefined, [compiled('undo')], { ids });
      const routes = Object.keys(free).filter((route) => !['thread', 'clone3'].includes(route));
      if (ids.uid === undefined && process.getuid?.() === 0) {
        assert.deepEqual(pick(free, 'mount', 'umount', 'open_tree', 'setns', 'chroot'), {
          ...{ mount: 'ok', umount: 'ok', open_tree: 'ok', setns: 'ok', chroot: 'ok' },
        });
      }
      const found = runAttempts('no-own-code', [compiled('undo')], { ids });
      assert.deepEqual(otherThan('EPERM', pick(found, ...routes)), []);
      assert.deepEqual(pick(found, 'thread', 'clone3'), { thread: 'ok', clone3: 'ENOSYS' });
    });

    test('no-own-code: libraries load, Node runs without its compiler, templates work', () => {
      const script = `
        import koffi from 'koffi';
        import { createTrampoline, symbolAddress } from 'trampfd';
        const sqrt = koffi.load('libm.so.6').func('double sqrt(double)');
        const { address } = createTrampoline({ registers: { pc: symbolAddress('abs'), arg0: -7n }, codeSource: 'template' });
        console.log(sqrt(81), koffi.call(address, koffi.proto('int ()')), process.getuid(), process.getgid());
      `;
      const program = [process.execPath, '--jitless', '--input-type=module', '--eval', script] as const;
      const { stdout, stderr, status } = runRestricted('no-own-code', program, { ids, cwd: root });
      assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
      assert.equal(stdout, `9 7 ${ids.uid ?? process.getuid?.()} ${ids.gid ?? process.getgid?.()}\n`);
    });

    test('a restriction under a restriction', () => {
      const inner = fileURLToPath(new URL('restrict.child.js', import.meta.url));
      const runNested = (outer: string, names: string) =>
        runRestricted(outer, [process.execPath, '--jitless', inner, names, compiled('code-files'), '/tmp'], {
          ids,
        });
      for (const outer of ['noexec-tmp', 'mdwe,no-memfd,noexec-tmp']) {
        const { stdout, stderr } = runNested(outer, 'mdwe,noexec-tmp,no-memfd');
        assert.equal(stderr, '');
        assert.deepEqual(answers(stdout), fileRoutes('/tmp'));
      }
      const { status, stderr } = runNested('no-own-code', 'noexec-tmp');
      assert.equal(status, 125);
      assert.match(stderr, /^Cannot enter a mount namespace.*: unshare failed \(EPERM\)\n$/);
    });

    test('the error if namespaces are forbidden', () => {
      const forbid = `echo 0 > /proc/sys/user/max_${ids.uid === undefined ? 'mnt' : 'user'}_namespaces`;
      const limit = ids.uid === undefined ? ['unshare', '-Urm'] : ['unshare', '-Ur'];
      const by = [...limit, 'sh', '-c', `${forbid}; exec setpriv --bounding-set -sys_admin "$@"`, 'sh'];
      const { status, stdout, stderr } = runRestricted('noexec-tmp', ['/bin/true'], { ids, by });
      assert.deepEqual({ status, stdout }, { status: 125, stdout: '' });
      assert.match(
        stderr,
        /^Cannot enter a mount namespace, which requires root \(CAP_SYS_ADMIN\) or a user namespace: unshare failed \((ENOSPC|EPERM)\)\n$/,
      );
    });
  });
}

/** Mounts of several kinds, in a mount namespace of the test. */
describe('mounts', { skip: users[0]!.skip || skipC || outsideTemporary }, () => {
  const folder = () => mkdtempSync(join(tmpdir(), 'trampfd-mounts-'));
  const inNamespace = (commands: string) => {
    const flags = process.getuid?.() === 0 ? ['-m'] : ['-Urm'];
    return ['unshare', ...flags, 'sh', '-ec', `${commands}; exec "$@"`, 'sh'];
  };

  test('below temporary folders are restricted too, also with special characters, and remain mounted', () => {
    const base = folder();
    const names = ['plain', 'with space', 'tab\tand \\ back', 'ä#', 'new\nline'];
    const mountPoints = names.map((name) => join(base, name));
    for (const mountPoint of mountPoints) mkdirSync(mountPoint);
    const quoted = mountPoints.map((mountPoint) => `'${mountPoint}'`);
    const by = inNamespace(
      `mount -t tmpfs none /var/tmp; ${quoted.map((mountPoint) => `mount -t tmpfs none ${mountPoint}`).join('; ')}; touch ${quoted.join(' ')}`,
    );
    try {
      for (const names of ['noexec-tmp', 'no-own-code']) {
        const { stdout, stderr } = runRestricted(
          names,
          [compiled('code-files'), '/var/tmp', mountPoints[0]!],
          {
            by,
          },
        );
        assert.equal(stderr, '');
        assert.deepEqual(answers(stdout), { ...fileRoutes('/var/tmp'), ...fileRoutes(mountPoints[0]!) });
        for (const mountPoint of mountPoints) {
          const script = 'cp /bin/true "$0/own" && "$0/own"';
          const own = runRestricted(names, ['/bin/sh', '-c', script, mountPoint], { by });
          assert.equal(own.status, 126, mountPoint);
          assert.match(own.stderr, /Permission denied/);
        }
      }
    } finally {
      rmSync(base, { recursive: true });
    }
  });

  test('that other mounts cover are ignored', () => {
    const base = folder();
    const by = inNamespace(
      `cd '${base}'; mkdir -p a; mount -t tmpfs none a; mkdir a/b; mount -t tmpfs none a/b; mount -t tmpfs none '${base}'`,
    );
    try {
      for (const names of ['noexec-tmp', 'no-own-code']) {
        const { stdout, stderr } = runRestricted(names, [compiled('code-files'), '/tmp', base], { by });
        assert.equal(stderr, '');
        assert.deepEqual(answers(stdout), { ...fileRoutes('/tmp'), ...fileRoutes(base) });
      }
    } finally {
      rmSync(base, { recursive: true });
    }
  });

  test('no-own-code: files in a temporary folder cannot be executed by a second path', () => {
    const [second, part] = [mkdtempSync(join(root, 'build/tmp-')), mkdtempSync(join(root, 'build/tmp-'))];
    const inside = folder();
    const by = inNamespace(`mount --bind / '${second}'; mount --bind '${inside}' '${part}'`);
    // Writes a program by one path, and executes it by the other.
    const script = (path: string) =>
      `cp /bin/true '${inside}/own'; chmod 755 '${inside}/own'; '${path}/own' && echo ran; echo end`;
    try {
      for (const path of [join(second, inside), part]) {
        const program = ['/bin/sh', '-c', script(path)] as const;
        assert.equal(runRestricted('mdwe', program, { by }).stdout, 'ran\nend\n');
        const { stdout, stderr } = runRestricted('no-own-code', program, { by });
        assert.equal(stdout, 'end\n');
        assert.match(stderr, /Permission denied/);
      }
    } finally {
      for (const path of [second, part, inside]) rmSync(path, { recursive: true });
    }
  });
});

test('restrictions that need no namespace work without root and without one', {
  skip: users[0]!.skip || skipC,
}, () => {
  const by = ['unshare', '-Ur', 'sh', '-c', 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"', 'sh'];
  const { stdout } = runRestricted('mdwe,no-memfd', [compiled('code-memory')], { by });
  assert.equal(answers(stdout)['mmap W+X'], 'EACCES');
  assert.equal(answers(stdout)['memfd_create'], 'EPERM');
});
