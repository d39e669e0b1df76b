/** The native module: the file, and what happens if it is not what the package expects. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const folder = mkdtempSync(join(root, 'build/native-'));
after(() => rmSync(folder, { recursive: true }));
const native = join(root, 'dist/native');
const fileName = `trampfd-${process.arch}.node`;
const path = join(folder, fileName);

function restore(): Buffer {
  cpSync(native, folder, { recursive: true });
  return readFileSync(path);
}

const use = `
  import { createCallback, symbolAddress } from 'trampfd';
  try { console.log(typeof symbolAddress('puts'), createCallback('int (int)', (value) => value).address > 0n); }
  catch ({ code, message }) { console.log(code, message); }
`;

function output(...nodeOptions: string[]): string {
  const env = { ...process.env, TRAMPFD_NATIVE: folder };
  const args = [...nodeOptions, '--input-type=module', '--eval', use];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', env });
  assert.equal(status, 0, stderr);
  return stdout.trimEnd();
}

const refusal = (reason: string) => `ERR_TRAMPFD_MODULE Cannot load ${path}: ${reason}`;

describe('the module in another folder', () => {
  test('is used', () => {
    restore();
    assert.equal(output(), 'bigint true');
    restore();
  });

  test('is missing', () => {
    restore();
    rmSync(path);
    assert.equal(output(), refusal(`ENOENT: no such file or directory, open '${path}'`));
  });

  test('is for another architecture', () => {
    restore();
    const other = process.arch === 'x64' ? 'arm64' : 'x64';
    copyFileSync(join(native, `trampfd-${other}.node`), path);
    assert.equal(output(), refusal('it is for another architecture'));
  });

  test('belongs to another version', () => {
    const file = restore();
    const text = file.toString('latin1').replace(`\ntrampfd ${version} `, '\ntrampfd 9.8.7 ');
    writeFileSync(path, text, 'latin1');
    assert.equal(output(), refusal(`it belongs to trampfd 9.8.7, not ${version}`));
  });

  test('is truncated, or another file', () => {
    const file = restore();
    truncateSync(path, file.length - 1);
    assert.equal(output(), refusal('it is truncated or altered'));
    truncateSync(path, 10);
    assert.equal(output(), refusal('it is not a native module'));
    copyFileSync(join(native, `gdb-jit-${process.arch}.so`), path);
    assert.equal(output(), refusal('it is truncated or altered'));
  });

  test('has one byte changed, anywhere', () => {
    const file = restore();
    for (const part of [0.02, 0.3, 0.5, 0.7, 0.95]) {
      const changed = Buffer.from(file);
      changed[Math.floor(part * file.length)]! ^= 1;
      writeFileSync(path, changed);
      assert.equal(output(), refusal('it is altered'), `at ${part}`);
    }
  });

  test('may not be loaded by this Node', () => {
    restore();
    assert.match(
      output('--no-addons'),
      /^ERR_TRAMPFD_MODULE Cannot load .*: Node may load no native modules/,
    );
  });

  test('may not be loaded under the permission model without --allow-addons', () => {
    restore();
    const { allowedNodeEnvironmentFlags: flags } = process;
    const permission = flags.has('--permission') ? '--permission' : '--experimental-permission';
    const allowed = [permission, '--allow-fs-read=*'];
    assert.match(
      output(...allowed),
      /^ERR_TRAMPFD_MODULE Cannot load .*: Node may load no native modules: .* needs --allow-addons/,
    );
    if (flags.has('--allow-addons')) assert.equal(output(...allowed, '--allow-addons'), 'bigint true');
  });

  test('does not exist', () => {
    rmSync(folder, { recursive: true });
    const message = `Cannot use trampfd: its native files are not in ${folder}. Exclude trampfd from the bundle ("external"), or name their folder in TRAMPFD_NATIVE`;
    assert.equal(output(), `ERR_TRAMPFD_BUNDLED ${message}`);
    restore();
  });
});
