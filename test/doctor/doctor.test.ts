/** `trampfd doctor` and `diagnose()`: what refuses a method, and whether the fix works. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { diagnose } from '#src/diagnose.js';
import { diagnoseFailure } from '#src/doctor/rules.js';
import { type Diagnosis, diagnosisSchema } from '#src/doctor/schema.js';
import type { RestrictionName } from '#src/launcher/restrictions.js';
import { hostMachine } from '#src/native/host.js';
import { ownErrors } from '../support/child.js';
import { compileProgram } from '../support/compile.js';
import { needs } from '../support/needs.js';
import { copyPackage } from '../support/package-copy.js';
import { outsideTemporary, users } from '../support/restricted.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const main = join(root, 'dist/bundle/main.js');
const skip = users[0]!.skip || outsideTemporary;

interface Run {
  readonly cli?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly ids?: { uid?: number; gid?: number };
  /** A program that starts the command, with its arguments. */
  readonly by?: readonly string[];
}

function doctor(args: readonly string[], { cli = main, env = {}, ids = {}, by = [] }: Run = {}) {
  const [command, ...rest] = [...by, process.execPath, cli, 'doctor', ...args];
  const result = spawnSync(command!, rest, { ...ids, encoding: 'utf8', env: { ...process.env, ...env } });
  return { status: result.status, stdout: result.stdout, stderr: ownErrors(result.stderr) };
}

function json(args: readonly string[], options: Run = {}): Diagnosis {
  const { stdout, stderr } = doctor(['--json', ...args], options);
  assert.equal(stderr, '');
  return diagnosisSchema.parse(JSON.parse(stdout));
}

function fastCallsMessage({ system: { fastCalls } }: Diagnosis): string {
  return fastCalls.works ? '' : fastCalls.message;
}

/** The methods that each restriction refuses. */
const expected = {
  mdwe: {
    rwx: { refusedBy: 'MDWE', syscall: 'mmap', errno: 'EACCES', fix: 'MemoryDenyWriteExecute=no' },
    remap: { refusedBy: 'MDWE', syscall: 'mprotect', errno: 'EACCES', fix: 'MemoryDenyWriteExecute=no' },
  },
  'no-memfd': {
    memfd: {
      refusedBy: 'seccomp filter',
      syscall: 'memfd_create',
      errno: 'EPERM',
      fix: 'SystemCallFilter=memfd_create',
    },
  },
  'noexec-tmp': {
    file: {
      refusedBy: 'noexec mount /tmp',
      syscall: 'mmap',
      errno: 'EPERM',
      fix: 'mount -o remount,exec /tmp',
    },
  },
} as const;

/** The restriction that corresponds to a directive of systemd. */
const directives: Readonly<Record<string, RestrictionName>> = {
  'MemoryDenyWriteExecute=no': 'mdwe',
  'SystemCallFilter=memfd_create': 'no-memfd',
};

const standard = { TMPDIR: '/tmp' };

/** Returns the methods that are refused, without messages. */
function failures({ methods }: Diagnosis) {
  return Object.fromEntries(
    Object.entries(methods).flatMap(([name, method]) => {
      if (method.works || name === 'trampfd') return [];
      const { refusedBy, syscall, errno, fix, inferred, message } = method;
      assert.equal(inferred, false);
      assert.ok(message.startsWith('Cannot '), message);
      return [[name, { refusedBy, syscall, errno, fix }]];
    }),
  );
}

for (const { name, ids, skip } of users) {
  describe(`as ${name}`, { skip: skip || outsideTemporary }, () => {
    const options = { ids, env: standard };
    let free: Diagnosis | undefined;
    const unrestricted = () => (free ??= json([], options));

    test('without restrictions every method but trampfd works', () => {
      assert.deepEqual(failures(unrestricted()), {});
    });

    for (const [restriction, refused] of Object.entries(expected)) {
      test(`${restriction}: what refuses, and the fix`, () => {
        const diagnosis = json(['--harden', restriction], options);
        assert.deepEqual(diagnosis.restrictions, [restriction]);
        assert.deepEqual(failures(diagnosis), refused);
        for (const { fix } of Object.values(refused)) {
          const directive = directives[fix];
          if (directive === undefined) continue;
          assert.equal(directive, restriction);
          assert.deepEqual(failures(unrestricted()), {});
        }
      });
    }

    test('all together: only template works without W+X memory; each fix removes one restriction', () => {
      const all = Object.keys(expected) as (keyof typeof expected)[];
      const together = json(['--harden', all.join()], options);
      assert.deepEqual(failures(together), Object.assign({}, ...Object.values(expected)));
      assert.equal(together.methods.template.works, true);
      assert.equal(together.system.nodeNeedsJitless, true);
      assert.match(fastCallsMessage(together), /Node needs --jitless here/);
      const diagnosis = json(['--harden', 'no-memfd,noexec-tmp'], options);
      assert.deepEqual(failures(diagnosis), { ...expected['no-memfd'], ...expected['noexec-tmp'] });
    });

    test('fast calls: what this Node allows, and why not', () => {
      assert.equal(fastCallsMessage(unrestricted()), '');
      const switchedOff = json([], { ...options, env: { TRAMPFD_FAST_CALLS: '0' } });
      assert.match(fastCallsMessage(switchedOff), /TRAMPFD_FAST_CALLS is 0/);
    });

    test('no-own-code: the same result, and template works', () => {
      const diagnosis = json(['--harden', 'no-own-code'], options);
      assert.deepEqual(failures(diagnosis), Object.assign({}, ...Object.values(expected)));
      assert.equal(diagnosis.methods.template.works, true);
    });

    test('noexec-tmp: file works in another folder', () => {
      const folder = mkdtempSync(join(root, 'build/tmp-'));
      try {
        spawnSync('chmod', ['777', folder]);
        const diagnosis = json(['--harden', 'noexec-tmp'], { ids, env: { TMPDIR: folder } });
        assert.deepEqual(failures(diagnosis), {});
        assert.equal(diagnosis.system.temporaryFolder.path, folder);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  });
}

test('noexec-tmp: the printed command, run in the same namespace, is the fix', { skip }, () => {
  const namespace = process.getuid?.() === 0 ? ['-m'] : ['-Urm'];
  const hardened = 'mount --bind /tmp /tmp; mount -o remount,bind,noexec /tmp';
  const by = (commands: string) => ['unshare', ...namespace, 'sh', '-ec', `${commands}; exec "$@"`, 'sh'];
  const refused = json([], { by: by(hardened), env: standard }).methods.file;
  assert.ok(!refused.works && refused.fix !== null);
  assert.equal(refused.refusedBy, 'noexec mount /tmp');
  const fixed = json([], { by: by(`${hardened}; ${refused.fix}`), env: standard }).methods.file;
  assert.deepEqual(fixed, { works: true });
});

describe('JSON', () => {
  test('equals the result of diagnose(), and matches the published schema', { skip }, async () => {
    const schema = JSON.parse(
      readFileSync(createRequire(import.meta.url).resolve('trampfd/doctor.schema.json'), 'utf8'),
    );
    assert.deepEqual(schema, JSON.parse(JSON.stringify(z.toJSONSchema(diagnosisSchema))));
    for (const restrictions of [[], ['mdwe', 'no-memfd', 'noexec-tmp']] as const) {
      const printed = json(restrictions.length === 0 ? [] : ['--harden', restrictions.join()]);
      const returned = await diagnose({ restrictions: [...restrictions] });
      // Messages contain addresses, which differ in each process.
      const withoutAddresses = (diagnosis: Diagnosis) =>
        JSON.parse(JSON.stringify(diagnosis).replaceAll(/0x[0-9a-f]+/g, 'ADDRESS'));
      assert.deepEqual(withoutAddresses(returned), withoutAddresses(printed));
      assert.deepEqual(Object.keys(printed.methods), Object.keys(schema.properties.methods.properties));
    }
  });

  test('wrong options are errors', async () => {
    const attempt = (options: unknown) => diagnose(options as object);
    await assert.rejects(attempt({ restrictions: ['mdw'] }), RangeError);
    await assert.rejects(attempt({ restrictions: 'mdwe' }), TypeError);
    await assert.rejects(attempt({ restrictions: [1] }), RangeError);
    await assert.rejects(attempt({ restriction: [] }), /no property "restriction"/);
  });
});

describe('the text', { skip }, () => {
  const restrictions = [
    [],
    ...['mdwe', 'no-memfd', 'noexec-tmp', 'no-own-code', 'mdwe,no-memfd,noexec-tmp'].map((names) => [
      '--harden',
      names,
    ]),
  ];
  for (const args of restrictions) {
    test(`is 80 columns wide and without colour: ${args.join(' ')}`, () => {
      const { status, stdout, stderr } = doctor(args, { env: { FORCE_COLOR: '1', TMPDIR: '/tmp' } });
      assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
      // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
      assert.doesNotMatch(stdout, /\x1b/);
      // Paths are not broken into lines, and this one may be long.
      for (const line of stdout.split('\n').filter((line) => !/^ {2}package/.test(line))) {
        assert.ok(line.length <= 80, line);
        assert.ok(!line.endsWith(' '), `"${line}"`);
      }
      const { methods } = json(args, { env: standard });
      for (const [name, method] of Object.entries(methods)) {
        const row = new RegExp(`^  ${name} +${method.works ? 'yes' : 'no'}\\b(.*)$`, 'm').exec(stdout);
        assert.ok(row !== null, name);
        if (method.works) continue;
        for (const part of [method.syscall, method.errno, method.refusedBy])
          assert.ok(row[1]!.includes(part ?? ''));
        if (method.fix !== null) assert.ok(stdout.includes(`fix: ${method.fix}`));
      }
      assert.match(stdout, /^Trampolines use (memfd|template) here/m);
    });
  }

  test('docs/matrix.md is what the command prints', () => {
    const { stdout } = doctor(['--matrix'], { env: standard });
    const withoutKernel = (text: string) => text.replace(/on Linux [\d.]+, \S+:/, 'on Linux:');
    assert.equal(withoutKernel(readFileSync(join(root, 'docs/matrix.md'), 'utf8')), withoutKernel(stdout));
  });
});

describe('exit codes and errors', { skip: skip || needs('gcc') }, () => {
  test('2 and one line for an invalid command line', () => {
    for (const args of [
      ['--harden', 'mdw'],
      ['--harden', ''],
      ['--harden', 'mdwe,,no-memfd'],
      ['--harden'],
      ['--fast'],
      ['now'],
    ]) {
      const { status, stdout, stderr } = doctor(args);
      assert.deepEqual({ status, stdout }, { status: 2, stdout: '' }, args.join(' '));
      assert.match(stderr, /^error: .*\n$/);
    }
    assert.match(
      doctor(['--harden', 'mdw']).stderr,
      /Restrictions are mdwe, no-memfd, noexec-tmp, no-own-code\.\n$/,
    );
  });

  test('1 if no method works without W+X memory; a damaged package is reported', () => {
    const copy = copyPackage();
    try {
      const cli = copy.dist('bundle/main.js');
      const file = copy.dist('native', `templates-${process.arch}.bin`);
      const whole = readFileSync(file);
      const args = ['--harden', 'no-memfd,noexec-tmp'];
      assert.equal(doctor(args, { cli, env: standard }).status, 0);
      const damages: [damage: () => void, expected: RegExp][] = [
        [
          () => truncateSync(file, whole.length - 1),
          /^ {2}template +no +- +the installed package was changed\n +fix: npm install trampfd$/m,
        ],
        [
          () => rmSync(file),
          /^ {2}template +no +open ENOENT +the installed package is incomplete\n +fix: npm install trampfd$/m,
        ],
      ];
      for (const [damage, line] of damages) {
        damage();
        const { status, stdout, stderr } = doctor(args, { cli, env: standard });
        assert.deepEqual({ status, stderr }, { status: 1, stderr: '' });
        assert.match(stdout, line);
        assert.match(stdout, /^No method works here without memory that is writable and executable\.$/m);
      }
      // The fix: what an installation would restore.
      writeFileSync(file, whole);
      assert.equal(doctor(args, { cli, env: standard }).status, 0);
    } finally {
      copy.remove();
    }
  });

  test('a probe that crashes or exits is reported, and the others continue', () => {
    const copy = copyPackage();
    try {
      const probe = copy.dist('bundle/probe.js');
      const crash = `
        if (process.argv[2] === 'memfd') process.kill(process.pid, 'SIGSEGV');
        if (process.argv[2] === 'file') { console.error('exiting'); process.exit(3); }
      `;
      writeFileSync(probe, `${crash}\n${readFileSync(probe, 'utf8')}`);
      const { methods } = json([], { cli: copy.dist('bundle/main.js') });
      const unknown = {
        works: false,
        refusedBy: 'unknown',
        syscall: null,
        errno: null,
        fix: null,
        inferred: true,
      };
      assert.deepEqual(methods.memfd, { ...unknown, message: 'the probe ended with SIGSEGV' });
      assert.deepEqual(methods.file, {
        ...unknown,
        message: 'the probe ended with exit code 3: exiting',
      });
      assert.equal(methods.template.works, true);
      assert.match(
        doctor([], { cli: copy.dist('bundle/main.js') }).stdout,
        /^ {2}memfd +no +- +unknown \(inferred\)\n +the probe ended with SIGSEGV$/m,
      );
    } finally {
      copy.remove();
    }
  });

  test('a restriction that the kernel lacks is an error in one line', () => {
    const { prctl, memfd_create, seccomp } = hostMachine().linux.systemCalls;
    const refuse = compileProgram('refuse', ['refuse.c']);
    const [EPERM, EINVAL, ENOSYS, PR_SET_MDWE] = [1, 22, 38, 65];
    const lacking = doctor(['--harden', 'mdwe'], { by: [refuse, `${prctl}`, `${EINVAL}`, `${PR_SET_MDWE}`] });
    assert.deepEqual(lacking, {
      status: 1,
      stdout: '',
      stderr: 'trampfd: Cannot set MDWE, which requires Linux 6.3: prctl failed (EINVAL)\n',
    });
    const noFilters = doctor(['--harden', 'no-memfd'], { by: [refuse, `${seccomp}`, `${ENOSYS}`, 'any'] });
    assert.equal(noFilters.stderr, 'trampfd: Cannot install a filter: seccomp failed (ENOSYS)\n');
    // Refusals that none of our restrictions causes.
    const { memfd } = json([], { by: [refuse, `${memfd_create}`, `${ENOSYS}`, 'any'] }).methods;
    assert.ok(!memfd.works && memfd.inferred);
    assert.match(memfd.refusedBy, /^kernel \S+ has no memfd_create$/);
    const denied = json([], { by: [refuse, `${memfd_create}`, `${EPERM}`, 'any'] }).methods.memfd;
    assert.ok(!denied.works);
    assert.deepEqual([denied.refusedBy, denied.inferred], ['seccomp filter', false]);
  });
});

test('conclusions that cannot be confirmed here are marked as inferred', async () => {
  const { system } = await diagnose();
  const confirmed = {
    ...system,
    mdwe: false,
    seccomp: 'none',
    selinux: 'absent',
    lockdown: null,
    memfdNoexec: null,
  } as const;
  const diagnosed = (method: 'memfd' | 'rwx' | 'file', code: string, syscall: string, change: object) =>
    diagnoseFailure({
      method,
      failure: { works: false, code, syscall, message: 'Cannot do it' },
      system: { ...confirmed, ...change },
    });
  const cases = [
    [diagnosed('rwx', 'EACCES', 'mmap', { selinux: 'enforcing' }), 'SELinux execmem'],
    [diagnosed('file', 'EACCES', 'mmap', { selinux: 'enforcing' }), 'SELinux execute'],
    [diagnosed('memfd', 'EACCES', 'memfd_create', { memfdNoexec: 2 }), 'vm.memfd_noexec'],
    [diagnosed('file', 'EPERM', 'mmap', { lockdown: 'integrity' }), 'lockdown (integrity)'],
    [diagnosed('file', 'EPERM', 'fcntl', { seccomp: 'filter' }), 'seccomp filter'],
    [diagnosed('file', 'EPERM', 'fcntl', {}), 'unknown'],
  ] as const;
  for (const [found, refusedBy] of cases) {
    assert.ok(!found.works);
    assert.deepEqual([found.refusedBy, found.inferred], [refusedBy, true]);
  }
});

test('the demo runs if only template works', { skip: skip || needs('gcc') }, () => {
  const script = fileURLToPath(new URL('../launcher/restrict.child.js', import.meta.url));
  const demo = fileURLToPath(new URL('../../examples/demo/main.js', import.meta.url));
  const args = [script, 'mdwe,no-memfd,noexec-tmp', process.execPath, '--jitless', demo];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.equal(ownErrors(stderr), '');
  assert.equal(status, 0);
  assert.match(stdout, /Goodbye from a trampoline\.\n$/);
});
