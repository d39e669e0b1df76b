/** The package as installed from its tarball: loaded, compiled with, run. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, describe, test } from 'node:test';
import { ownErrors } from '../support/child.js';
import { emulated } from '../support/needs.js';
import { createApp } from './app.js';
import { testContents } from './contents.js';
import { testLoading } from './loading.js';
import { root } from './tools.js';

// npm takes minutes there.
const skip = emulated && 'qemu-user has no npm that is fast enough';

describe('installed into an empty folder', { skip }, () => {
  const app = createApp();
  after(() => app.remove());

  testContents(app);
  testLoading(app);
});

describe('an unsupported system', () => {
  for (const [key, value] of [
    ['platform', 'darwin'],
    ['platform', 'win32'],
    ['arch', 's390x'],
  ] as const) {
    const disguise = `data:text/javascript,Object.defineProperty(process,'${key}',{value:'${value}'})`;
    const run = (...args: string[]) =>
      spawnSync(process.execPath, ['--import', disguise, ...args], { cwd: root, encoding: 'utf8' });
    const line = /^(trampfd: )?trampfd runs on Linux on .*, and this system is .* on .*\n$/;

    test(`${value}: the command reports it in one line`, () => {
      const { status, stderr } = run('dist/bundle/main.js', 'inspect', '1');
      assert.equal(status, 1);
      assert.match(ownErrors(stderr), line);
    });

    test(`${value}: the library imports, and throws when used`, () => {
      const script = `
        import { createTrampoline, createTrampolineTable, symbolAddress } from 'trampfd';
        for (const use of [() => symbolAddress('puts'), () => createTrampoline({ registers: { pc: 1n } }),
                           () => createTrampolineTable({ registers: [] })]) {
          try { use(); } catch (error) { console.error(error.code === 'ERR_TRAMPFD_UNSUPPORTED' ? error.message : error.stack); }
        }
      `;
      const { status, stderr } = run('--input-type=module', '--eval', script);
      assert.equal(status, 0);
      const lines = stderr
        .replaceAll(/^Warning: disabling flag.*\n/gm, '')
        .trimEnd()
        .split('\n');
      assert.equal(lines.length, 3, stderr);
      for (const text of lines) assert.match(`${text}\n`, line);
    });
  }
});
