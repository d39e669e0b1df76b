import assert from 'node:assert/strict';
import { readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { createTrampoline, createTrampolineTable, symbolAddress } from 'trampfd';
import { runScript } from '../support/child.js';

const path = `/tmp/perf-${process.pid}.map`;
const pc = symbolAddress('getpid');

/** The name that perf would show for an address. */
function resolve(address: bigint): string | undefined {
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const parts = /^([0-9a-f]+) ([0-9a-f]+) (.+)$/.exec(line);
    if (parts === null) continue;
    const start = BigInt(`0x${parts[1]}`);
    if (start <= address && address < start + BigInt(`0x${parts[2]}`)) return parts[3];
  }
  return undefined;
}

test('perf resolves every live trampoline and no freed one', () => {
  const one = createTrampoline({ registers: { pc }, name: 'one', perfMap: true });
  const two = createTrampoline({ registers: { pc }, name: 'two', perfMap: true });
  const silent = createTrampoline({ registers: { pc }, name: 'silent' });
  const [first, second] = [one.address, two.address];
  assert.equal(resolve(first), 'one');
  assert.equal(resolve(first + 10n), 'one');
  assert.equal(resolve(second), 'two');
  assert.equal(resolve(silent.address), undefined);
  one.close();
  assert.equal(resolve(first), undefined);
  assert.equal(resolve(second), 'two');

  const table = createTrampolineTable({ registers: ['arg0'], name: 'many', perfMap: true });
  const addresses = [...table.addMany({ pc, arg0: 1n }, 3000)];
  for (const [index, address] of addresses.entries()) {
    if (index % 2 === 0) table.delete(address);
  }
  for (const [index, address] of addresses.entries()) {
    const name = index % 50 === 1 ? resolve(address) : undefined;
    if (index % 50 === 1) assert.equal(name, `many#${index}`);
    if (index % 50 === 0) assert.equal(resolve(address), undefined);
  }
  assert.equal(resolve(second), 'two');
  table.close();
  assert.ok(addresses.every((address, index) => index % 100 !== 1 || resolve(address) === undefined));
  assert.equal(statSync(path).mode & 0o777, 0o600);
  two.close();
  unlinkSync(path);
});

test('a symbolic link in /tmp is not followed', () => {
  const target = `/tmp/trampfd-test-${process.pid}`;
  writeFileSync(target, 'precious');
  const { stdout, stderr } = runScript(`
    import { symlinkSync } from 'node:fs';
    symlinkSync('${target}', '/tmp/perf-' + process.pid + '.map');
    createTrampoline({ registers: { pc: symbolAddress('getpid') }, name: 'x', perfMap: true });
    console.log(process.pid);
  `);
  assert.equal(readFileSync(target, 'utf8'), 'precious', stderr);
  unlinkSync(target);
  const map = `/tmp/perf-${stdout.trim()}.map`;
  assert.match(readFileSync(map, 'utf8'), / x\n$/);
  unlinkSync(map);
});
