/** `npm start` and the demo that it runs. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ownErrors } from '../support/child.js';
import { needs } from '../support/needs.js';

const path = (name: string) => fileURLToPath(new URL(`../../examples/demo/${name}.js`, import.meta.url));

function run(...args: string[]) {
  return runScript('main', args);
}

function runScript(name: string, args: readonly string[] = []) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path(name), ...args], { encoding: 'utf8' });
  return { status, stdout, stderr: ownErrors(stderr) };
}

test('the demo sorts, prints at exit, runs a nested function and fails to attack', {
  skip: needs('gcc', 'process_vm_readv'),
}, () => {
  const { status, stdout, stderr } = run();
  assert.equal(stderr, '');
  assert.equal(status, 0);
  assert.match(stdout, /\d+ records of 12 bytes, sorted by qsort:\n {2}alignment argument .* trap write\n/);
  assert.match(stdout, /(mov rdx, \[rip\+0x[0-9a-f]+\]|ldr x2, 0x[0-9a-f]+) {3}# 0xc\n/);
  assert.match(stdout, /r-xs [0-9a-f]+ \S+ \d+ \/memfd:trampfd \(deleted\)\n/);
  assert.match(stdout, /sorted by the second letter: call .*\n.* \d+ comparisons\n/);
  const attacks = [
    ...stdout.matchAll(/^ {2}((?:mprotect|mremap|mmap|munmap|write|truncate).*?) {2,}(\S+)$/gm),
  ];
  assert.equal(attacks.length, 9);
  for (const [, route, errno] of attacks) assert.match(errno!, /^(EACCES|EPERM|EIO)$/, route);
  assert.match(stdout, /The code is as it was\.\nGoodbye from a trampoline\.\n$/);
});

test('the demo sorts the lines of any file, and reports an error in one line', () => {
  const folder = mkdtempSync(join(tmpdir(), 'trampfd-demo-'));
  const file = join(folder, 'lines');
  writeFileSync(file, 'pears\nä\napples\n\nfigs');
  assert.match(run(file).stdout, /4 records of 6 bytes, sorted by qsort:\n {2}apples figs pears ä\n/);
  rmSync(folder, { recursive: true });
  assert.deepEqual(run(file), {
    status: 1,
    stdout: '',
    stderr: `ENOENT: no such file or directory, open '${file}'\n`,
  });
});

test('npm start runs the demo under all restrictions, and reports those that are unsupported', {
  skip: needs('seccomp'),
}, () => {
  const { status, stdout, stderr } = runScript('start');
  assert.equal(stderr, '');
  assert.equal(status, 0);
  const missing = [...stdout.matchAll(/^Skipped, since this system does not support it: (.+)$/gm)];
  const [, harden] = /^trampfd run --harden (\S+) -- node --jitless …$/m.exec(stdout) ?? [];
  if (missing.length === 0) {
    assert.equal(harden, 'mdwe,no-memfd,noexec-tmp,no-own-code');
    const works = [...stdout.matchAll(/^ {2}(\w+) +works$/gm)].map(([, method]) => method);
    assert.deepEqual(works, ['trampfd']);
  }
  assert.match(stdout, /sorted by qsort:\n {2}alignment argument .* trap write\n/);
  assert.match(stdout, /The code is as it was\.\nGoodbye from a trampoline\.\n$/);
});
