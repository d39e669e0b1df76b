/** Policies, and the audit log. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { policySchema } from '#src/supervisor/policy/policy.js';
import { compileLibrary, compileProgram } from '../support/compile.js';
import { needs } from '../support/needs.js';
import { answers, users } from '../support/restricted.js';
import { runSupervised } from '../support/supervised.js';

const folder = mkdtempSync(join(tmpdir(), 'trampfd-policy-'));
after(() => rmSync(folder, { recursive: true }));

spawnSync('mkfifo', [join(folder, 'pipe')]);

const docs = fileURLToPath(new URL('../../../docs/policy.md', import.meta.url));

function inFolder(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

/** Runs the test program under a policy. @returns its outcome and the lines of the audit log */
async function under(policy: object | string, args: readonly string[]) {
  const file = inFolder('policy.json', typeof policy === 'string' ? policy : JSON.stringify(policy));
  const audit = join(folder, 'audit');
  rmSync(audit, { force: true });
  const options = ['--policy', file, '--audit', audit];
  const outcome = await runSupervised(compileProgram('supervised-policy', ['supervised/policy.c']), args, {
    options,
  });
  const lines = existsSync(audit) ? readFileSync(audit, 'utf8').split('\n').slice(0, -1) : [];
  return { ...outcome, audit: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

const everything = { 'user fast': 'ok', 'user slow': 'ok', table: 'ok', code: 'ok', handler: 'ok' };

describe('a policy', { skip: needs('gcc', 'seccomp') }, () => {
  test('without rules allows everything', async () => {
    const { stdout, stderr, audit } = await under({}, ['kinds']);
    assert.deepEqual(answers(stdout), everything);
    assert.deepEqual({ stderr, audit }, { stderr: '', audit: [] });
  });

  for (const [title, policy, refused] of [
    ['types', { types: ['user'] }, ['table', 'code', 'handler']],
    ['another type', { types: ['code'] }, ['user fast', 'user slow', 'table', 'handler']],
    ['handlers', { types: ['handler'] }, ['user fast', 'user slow', 'table', 'code']],
    ['no types', { types: [] }, Object.keys(everything)],
    ['fast objects', { modes: ['fast'] }, ['user slow']],
    ['slow objects', { modes: ['slow'] }, ['user fast', 'table', 'code', 'handler']],
    ['no objects', { objects: 0 }, Object.keys(everything)],
    ['allowed PCs', { demandAllowedPcs: true }, ['table', 'code']],
    ['libraries', { libraries: ['/proc/self/exe'] }, ['table', 'code']],
  ] as const) {
    test(`that names ${title}`, async () => {
      const { status, stdout, audit } = await under(policy, ['kinds']);
      assert.equal(status, 0);
      const forbidden = Object.fromEntries(refused.map((name) => [name, 'EPERM']));
      assert.deepEqual(answers(stdout), { ...everything, ...forbidden });
      assert.equal(audit.length, refused.length);
      for (const line of audit) {
        assert.deepEqual(Object.keys(line), ['time', 'tid', 'call', 'code', 'reason']);
        assert.match(String(line['reason']), /^the policy forbids /);
        assert.match(String(line['call']), /^trampfd_create\(TRAMPFD_/);
      }
    });
  }

  test('limits the live objects, not those created', async () => {
    const { stdout, audit } = await under({ objects: 3 }, ['objects']);
    const lines = ['one more: ok', 'one more: ok', 'one more: ok', 'one more: 1'];
    assert.deepEqual(stdout.split('\n').slice(0, 6), [
      ...lines,
      'after one was removed: ok',
      'and another: 1',
    ]);
    assert.equal(audit.length, 2);
  });

  test('demands allowed PCs before registers', async () => {
    const { stdout } = await under({ demandAllowedPcs: true }, ['pcs']);
    assert.deepEqual(answers(stdout), {
      'registers alone': 'EPERM',
      'allowed PCs': 'ok',
      registers: 'ok',
      'no registers': 'ok',
      'a handler alone': 'EPERM',
      "a handler's allowed PCs": 'ok',
      'a handler': 'ok',
    });
  });

  test('identifies libraries by file rather than path, and checks current mappings', async () => {
    const library = compileLibrary('targets', ['supervised/targets.c']);
    const [named, other] = [join(folder, 'named.so'), join(folder, 'other.so')];
    copyFileSync(library, named);
    copyFileSync(library, other);
    const { status, stdout, stderr, audit } = await under({ libraries: [named] }, [
      'libraries',
      named,
      other,
    ]);
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
    assert.deepEqual(answers(stdout), {
      'a target in it': 'ok',
      'in another': 'EPERM',
      'in libc': 'EPERM',
      'in its data': 'EPERM',
      'a handler in it': 'ok',
      'a handler in another': 'EPERM',
      'a handler nowhere': 'EPERM',
      nowhere: 'EPERM',
      'a slow one': 'ok',
      'a target that was in it': 'EPERM',
      'loaded again': 'ok',
      'another file by its name': 'EPERM',
    });
    assert.match(stdout, /^it returned 6$/m);
    assert.match(stdout, /^after dlclose it is refused$/m);
    assert.deepEqual(
      audit.map((line) => ('invocation' in line ? 'invocation' : 'call')),
      [...Array.from({ length: 6 }, () => 'call'), 'invocation', 'call', 'call'],
    );
  });

  test('makes directories noexec', { skip: users[0]!.skip }, async () => {
    const copy = join(folder, 'copy.so');
    copyFileSync(compileLibrary('targets', ['supervised/targets.c']), copy);
    assert.match((await under({}, ['load', copy])).stdout, /^load: ok$/m);
    assert.match((await under({ noexec: [folder] }, ['load', copy])).stdout, /^load: \d+$/m);
  });
});

describe('a policy that cannot be applied', { skip: needs('gcc', 'seccomp') }, () => {
  const file = join(folder, 'policy.json');
  for (const [title, policy, message] of [
    ['no JSON', '{ types', /Cannot apply the policy .*policy\.json: .*JSON/],
    ['not an object', '[]', /expected object/],
    ['an unknown rule', { type: ['user'] }, /Unrecognized key.*"type"/],
    ['an unknown type', { types: ['user', 'users'] }, /types\[1\]/],
    ['an unknown mode', { modes: ['quick'] }, /modes\[0\]/],
    ['a negative number', { objects: -1 }, /objects/],
    ['a missing library', { libraries: ['/nowhere.so'] }, /Cannot apply the policy: \/nowhere\.so.*ENOENT/],
    ['a pipe for a library', { libraries: [join(folder, 'pipe')] }, /Cannot apply the policy: map .*pipe/],
    ['a directory for a library', { libraries: ['/'] }, /Cannot apply the policy: .*\//],
    ['a missing directory', { noexec: ['/nowhere'] }, /\/nowhere/],
  ] as const) {
    test(`${title}: an error, and no program runs`, async () => {
      const { status, stdout, stderr } = await under(policy, ['kinds']);
      assert.deepEqual({ status, stdout }, { status: 125, stdout: '' }, stderr);
      assert.match(stderr, /^trampfd: Cannot .+\n$/);
      assert.match(stderr, message);
    });
  }

  test('a missing policy file', async () => {
    rmSync(file, { force: true });
    const { status, stdout, stderr } = await runSupervised('true', [], { options: ['--policy', file] });
    assert.deepEqual({ status, stdout }, { status: 125, stdout: '' });
    assert.match(stderr, /^trampfd: Cannot read the policy .*ENOENT.*\n$/);
  });

  test('an audit log that cannot be opened', async () => {
    const { status, stderr } = await runSupervised('true', [], {
      options: ['--audit', join(folder, 'no/log')],
    });
    assert.equal(status, 125);
    assert.match(stderr, /^trampfd: Cannot open the audit log .*ENOENT.*\n$/);
  });
});

test('the package exports the schema, and docs/policy.md describes every rule', () => {
  const path = createRequire(import.meta.url).resolve('trampfd/policy.schema.json');
  assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), z.toJSONSchema(policySchema));
  const text = readFileSync(docs, 'utf8');
  for (const rule of Object.keys(policySchema.shape)) assert.ok(text.includes(`| \`${rule}\` |`), rule);
  const examples = [...text.matchAll(/^```json\n([\s\S]*?)^```$/gm)].map(
    ([, json]) => JSON.parse(json!) as object,
  );
  const [policy, line] = examples;
  assert.ok(policySchema.safeParse(policy).success);
  assert.deepEqual(Object.keys(line!), ['time', 'tid', 'call', 'code', 'reason']);
});
