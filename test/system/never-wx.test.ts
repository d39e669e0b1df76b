/** No page of trampfd is ever both writable and executable, at once or in turn, as system calls show. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { follow, tracedCalls } from '../support/address-space.js';
import { needs } from '../support/needs.js';
import { needsStrace, parse, strace } from '../support/strace.js';

const skip = needs('gcc', 'g++') || needsStrace();
/** A representative part of the tests, including attacks. */
const scripts = [
  ...['system/never-wx.child', 'codepage/attack.test', 'trampolines/trampoline.test'],
  ...['trampolines/fork.test', 'trampolines/nested.test', 'trampolines/unwind.test'],
];

for (const script of scripts) {
  test(`never writable and executable: ${script}`, { skip }, (t) => {
    const path = fileURLToPath(new URL(`../${script}.js`, import.meta.url));
    // Without it, the tests would report to the runner of this test.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { calls, status, output } = strace(tracedCalls, process.execPath, [...process.execArgv, path], env);
    assert.equal(status, 0, output);
    const { broken, pages } = follow(calls);
    assert.deepEqual(broken, []);
    assert.ok(pages > 0, 'no region found');
    t.diagnostic(`${calls.length} calls, ${pages} pages of trampfd`);
  });
}

const region = `
1 mmap(NULL, 2097152, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE, -1, 0) = 0x10000000
1 munmap(0x10002000, 2088960) = 0
1 mmap(0x10000000, 4096, PROT_READ|PROT_EXEC, MAP_SHARED|MAP_FIXED, 18</memfd:trampfd>(deleted), 0) = 0x10000000
1 mmap(0x10001000, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS, -1, 0) = 0x10001000`;

const alias = `
1 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 21</memfd:trampfd-data>(deleted), 0) = 0x20000000`;

/** System calls that violate the rule. */
const violations: Readonly<Record<string, string>> = {
  'a code page becomes writable': '1 mprotect(0x10000000, 4096, PROT_READ|PROT_WRITE) = 0',
  'a data page becomes executable': '1 mprotect(0x10000000, 8192, PROT_READ|PROT_EXEC) = 0',
  'data is executable at once': '1 pkey_mprotect(0x10001000, 4096, PROT_READ|PROT_WRITE|PROT_EXEC, 1) = 0',
  'memory over a code page':
    '1 mmap(0x10000000, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS, -1, 0) = 0x10000000',
  'code over a data page':
    '1 mmap(0x10001000, 4096, PROT_READ|PROT_EXEC, MAP_SHARED|MAP_FIXED, 18</memfd:trampfd>(deleted), 0) = 0x10001000',
  'code mapped writable elsewhere':
    '1 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 18</memfd:trampfd (deleted)>, 0) = 0x30000000',
  'the alias becomes executable': '1 mprotect(0x20000000, 4096, PROT_READ|PROT_EXEC) = 0',
  'a region is unmapped': '1 munmap(0x10000000, 8192) = 0',
  'in a forked child':
    '2 mprotect(0x10001000, 4096, PROT_EXEC <unfinished ...>\n1 fork() = 2\n2 <... mprotect resumed>) = 0',
  'by another thread':
    '1 clone3({flags=CLONE_VM|CLONE_FS}, 88) = 3\n3 mprotect(0x10001000, 4096, PROT_EXEC) = 0',
};

test('reports code that is written first', () => {
  const written = region.replace(
    '1 munmap',
    '1 mprotect(0x10000000, 4096, PROT_READ|PROT_WRITE) = 0\n1 munmap',
  );
  assert.equal(follow(parse(written)).broken.length, 1);
});

for (const [name, calls] of Object.entries(violations)) {
  test(`reports: ${name}`, () => {
    assert.equal(follow(parse(region + alias)).broken.length, 0);
    assert.equal(follow(parse(`${region}${alias}\n${calls}`)).broken.length, 1);
  });
}

test('ignores other memory', () => {
  const calls = `
1 mmap(NULL, 4096, PROT_READ|PROT_WRITE|PROT_EXEC, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x10002000
1 mprotect(0x10000000, 4096, PROT_READ|PROT_WRITE) = -1 EACCES (Permission denied)
1 munmap(0x20000000, 4096) = 0
1 mmap(NULL, 4096, PROT_READ|PROT_EXEC, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x20000000
1 execve("/bin/true", ["true"], 0x1 /* 1 var */) = 0
1 mprotect(0x10000000, 8192, PROT_READ|PROT_WRITE|PROT_EXEC) = 0`;
  assert.deepEqual(follow(parse(region + alias + calls)), { broken: [], pages: 2 });
});
