/** Attempts of a program to change code pages, or data that must be read-only. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, fchmodSync, openSync, readdirSync, readFileSync, readlinkSync, writeSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { createTrampoline, createTrampolineTable, symbolAddress, viewMemory } from '#src/index.js';
import { hasMseal } from '#src/linux/features.js';
import { type Mapping, mappingOf, mappings } from '#src/linux/process/proc-maps.js';
import { expectRefused, fileAttacks, lengthOf, mapFile, replacements, writes } from '../support/attacks.js';
import { runChild } from '../support/child.js';
import { compileProgram } from '../support/compile.js';
import koffi from '../support/koffi.js';
import { libc, outcome } from '../support/libc.js';
import { needs } from '../support/needs.js';

const needsMseal = needs('mseal') || (!hasMseal() && 'needs mseal (Linux 6.10)');

const MADV_DONTNEED = 4;
/** Exists since Linux 6.3, as MFD_NOEXEC_SEAL. */
const PR_GET_MDWE = 66;
const [PR_SET_PTRACER, PR_SET_PTRACER_ANY] = [0x59616d61, 2n ** 64n - 1n];

const abs = koffi.proto('int ()');
const pc = symbolAddress('abs');

/** Returns this process's fds of files whose path begins with `name`. */
function descriptorsOf(name: string): string[] {
  return readdirSync('/proc/self/fd')
    .map((fd) => `/proc/self/fd/${fd}`)
    .filter((path) => outcome(() => readlinkSync(path)) === 'ok' && readlinkSync(path).startsWith(name));
}

/** Returns the mappings of a region's code and of its data. */
function mapped(address: bigint): { code: Mapping; data: Mapping } {
  const all = mappings();
  const code = mappingOf(address, all)!;
  return { code, data: mappingOf(code.end, all)! };
}

/** A process has at most one tracer. */
const isTraced = (): false | string =>
  !/^TracerPid:\s+0$/m.test(readFileSync('/proc/self/status', 'utf8')) && 'this process is traced already';

function paths(t: TestContext, mapping: Mapping): string[] {
  if (outcome(() => closeSync(openSync(mapFile(mapping), 'r'))) === 'ok') return [mapFile(mapping)];
  t.diagnostic('/proc/self/map_files needs CAP_CHECKPOINT_RESTORE, so it was not tried');
  return [];
}

test('code pages cannot be changed', async (t) => {
  using trampoline = createTrampoline({ registers: { pc, arg0: 7n } });
  using table = createTrampolineTable({ registers: ['arg0'] });
  const address = table.add({ pc, arg0: 8n });
  for (const called of [trampoline.address, address]) {
    const { code } = mapped(called);
    assert.match(code.path, /^\/memfd:trampfd/);
    const before = viewMemory(code.start, lengthOf(code)).slice();
    const length = lengthOf(code);
    const open = descriptorsOf('/memfd:trampfd ');
    assert.notEqual(open.length, 0);

    await t.test('in place', () => expectRefused(writes(code)));
    await t.test('through the file', () => {
      for (const path of [...open, ...paths(t, code)]) expectRefused(fileAttacks(path, length));
    });
    await t.test('by other memory', { skip: needsMseal }, () => {
      expectRefused(replacements(code));
      expectRefused({
        remap_file_pages: [() => libc.remap_file_pages(code.start, 4096, 0, 1, 0), 'EPERM', 'EINVAL'],
      });
    });
    await t.test('by a debugger', { skip: needs('gcc', 'ptrace') || isTraced() }, () => {
      // Under Yama, a child process must be allowed to trace this one.
      outcome(() => libc.prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0));
      const args = [`${process.pid}`, `0x${code.start.toString(16)}`];
      const { stdout, stderr } = spawnSync(compileProgram('poke', ['poke.c']), args, { encoding: 'utf8' });
      assert.equal(stderr + stdout, 'EIO\n');
    });
    // Discards pages; they are read again from the file.
    outcome(() => libc.madvise(code.start, length, MADV_DONTNEED));

    assert.deepEqual(viewMemory(code.start, length).slice(), before);
    assert.equal(mapped(called).code.text, code.text);
  }
  assert.equal(koffi.call(trampoline.address, abs), 7);
  assert.equal(koffi.call(address, abs), 8);
});

test('the file of code is not executable as a program', {
  skip:
    needs('PR_SET_MDWE') ||
    (outcome(() => libc.prctl(PR_GET_MDWE, 0, 0, 0, 0)) === 'EINVAL' && 'needs MFD_NOEXEC_SEAL (Linux 6.3)'),
}, () => {
  using _ = createTrampolineTable({ registers: [] });
  for (const path of descriptorsOf('/memfd:trampfd ')) {
    const fd = openSync(path, 'r');
    assert.equal(
      outcome(() => fchmodSync(fd, 0o700)),
      'EPERM',
    );
    closeSync(fd);
  }
});

test('private data can be written by the program, and the code cannot', () => {
  using table = createTrampolineTable({ registers: ['arg0'] });
  const address = table.add({ pc, arg0: 1n });
  const { code, data } = mapped(address);
  assert.equal(data.text.slice(data.text.indexOf(' ') + 1, data.text.indexOf(' ') + 5), 'rw-p');
  new BigUint64Array(viewMemory(data.start, 16).buffer)[1] = 9n;
  assert.equal(koffi.call(address, abs), 9);
  assert.equal(table.get(address)?.arg0, 9n);
  expectRefused(writes(code));
});

test('isolated data cannot be written through the view', (t) => {
  using table = createTrampolineTable({ registers: ['arg0'], isolated: true });
  const address = table.add({ pc, arg0: 5n });
  const { data } = mapped(address);
  assert.match(data.text, / r--s /);
  expectRefused(writes(data));
  for (const path of paths(t, data)) expectRefused(fileAttacks(path, lengthOf(data)));
  assert.deepEqual(descriptorsOf('/memfd:trampfd-data'), []);
  outcome(() => libc.madvise(data.start, lengthOf(data), MADV_DONTNEED));
  assert.equal(koffi.call(address, abs), 5);
  table.set(address, { arg0: 6n });
  assert.equal(koffi.call(address, abs), 6);
});

for (const isolated of [false, true]) {
  test(`frozen ${isolated ? 'isolated' : 'private'} data cannot be changed`, (t) => {
    using table = createTrampolineTable({ registers: ['arg0'], isolated });
    const address = table.add({ pc, arg0: 5n });
    table.freeze();
    const { data } = mapped(address);
    assert.match(data.text, isolated ? / r--s / : / r--p /);
    assert.deepEqual(
      mappings().filter(({ path, writable }) => writable && path.startsWith('/memfd:trampfd-data')),
      [],
    );
    if (isolated) {
      expectRefused(writes(data));
      for (const path of paths(t, data)) expectRefused(fileAttacks(path, lengthOf(data)));
    }
    if (hasMseal()) {
      expectRefused(replacements(data));
      expectRefused({ 'mprotect +W': [() => libc.mprotect(data.start, 4096, 3), 'EACCES', 'EPERM'] });
      if (!isolated) {
        expectRefused({ 'madvise DONTNEED': [() => libc.madvise(data.start, 4096, MADV_DONTNEED), 'EPERM'] });
      }
    } else {
      t.diagnostic('the kernel has no mseal (Linux 6.10): memory can be mapped over frozen data');
    }
    assert.equal(mapped(address).data.text, data.text);
    assert.equal(koffi.call(address, abs), 5);

    const { signal, stderr } = runChild('codepage/write-frozen', [isolated ? 'isolated' : 'private']);
    assert.equal(signal, 'SIGSEGV', stderr);
    assert.equal(runChild('codepage/write-frozen', ['not frozen']).stdout, 'written\n');
  });
}

test('frozen private data can be written through /proc/self/mem, unless the kernel forbids it', () => {
  using table = createTrampolineTable({ registers: ['arg0'] });
  const address = table.add({ pc, arg0: 5n });
  table.freeze();
  const value = Uint8Array.of(6);
  const answer = outcome(() => {
    const fd = openSync('/proc/self/mem', 'r+');
    writeSync(fd, value, 0, 1, Number(mapped(address).data.start + 8n));
    closeSync(fd);
  });
  // 6.12 has proc_mem.force_override, with which the kernel can forbid it.
  assert.ok(answer === 'ok' || answer === 'EIO', answer);
  assert.equal(koffi.call(address, abs), answer === 'ok' ? 6 : 5);
});
