/** Loading the package: by `import` and `require`, with one state. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { type App, run, runScript, succeed } from './app.js';

const names = ['trampfd', 'trampfd/supervisor', 'trampfd/diagnose', 'trampfd/object'];
const list = JSON.stringify(names);

export function testLoading({ folder }: App): void {
  for (const type of ['module', 'commonjs'] as const) {
    test(`a program makes a trampoline and a callback, as ${type}`, () => {
      const load =
        type === 'module'
          ? `import * as trampfd from 'trampfd';`
          : `const trampfd = require('trampfd'); if (trampfd.default !== undefined) throw new Error('a default export');`;
      const script = `
        ${load}
        const { createCallback, createTrampoline, nativeFunction, symbolAddress } = trampfd;
        const { address } = createTrampoline({ registers: { pc: symbolAddress('getpid') }, debug: true });
        if (nativeFunction('int (void)', address)() !== process.pid) throw new Error('no trampoline');
        const callback = createCallback('int (int)', (x) => x + 1);
        console.log(nativeFunction('int (int)', callback.address)(1));
      `;
      assert.equal(runScript(folder, type, script), '2\n');
    });
  }

  test('import and require return the same functions and classes', () => {
    const script = `
      import assert from 'node:assert/strict';
      import { createRequire } from 'node:module';
      const require = createRequire(process.cwd() + '/');
      for (const name of ${list}) {
        const [imported, required] = [await import(name), require(name)];
        assert.deepEqual(Object.keys(imported).sort(), Object.keys(required).sort());
        for (const key of Object.keys(imported)) assert.equal(imported[key], required[key]);
        console.log(name, Object.keys(imported).length > 0);
      }
    `;
    assert.equal(runScript(folder, 'module', script), names.map((name) => `${name} true\n`).join(''));
  });

  test('an error of one entry point is an instance of the class of another', () => {
    const script = `
      const { openTrampolineObject } = require('trampfd/object');
      import('trampfd').then(({ TrampfdError }) => {
        try { openTrampolineObject(0).map(); } catch (error) { console.log(error instanceof TrampfdError); }
      });
    `;
    assert.equal(runScript(folder, 'commonjs', script), 'true\n');
  });

  test('an entry point loads only what it uses', () => {
    const loaded = (name: string) => {
      const script = `
        require(${JSON.stringify(name)});
        const files = Object.keys(require.cache).map((path) => require('node:path').basename(path));
        console.log(files.map((file) => file.replace(/-[\\w-]{8}\\.js$/, '.js')).sort().join(' '));
      `;
      return runScript(folder, 'commonjs', script).trim();
    };
    assert.equal(loaded('trampfd'), 'core.js index.js');
    assert.equal(loaded('trampfd/supervisor'), 'core.js shared.js supervisor.js system.js');
    assert.equal(loaded('trampfd/diagnose'), 'core.js diagnose.js shared.js system.js');
    assert.equal(
      loaded('trampfd/object'),
      'core.js lazy-rare.js object.js shared.js supervision.js system.js',
    );
  });

  for (const [call, chunks] of [
    [`enumeration({ no: 0 })`, 'prototype'],
    [`struct({ x: 'double' })`, 'prototype'],
    [`symbolAddress('getpid')`, 'arch shared'],
    [`createTrampoline({ registers: { pc: 1n } })`, 'arch shared'],
    [`createTrampolineTable({ registers: [] })`, 'arch shared table'],
    [`createTrampoline({ registers: { pc: 1n }, mode: 'slow' })`, 'arch arch-more rare shared slow'],
    [`createCallback('int (int)', (x) => x)`, 'arch callback prototype shared'],
  ] as const) {
    test(`the first call loads what it uses: ${call}`, () => {
      const script = `
        const { createCallback, createTrampoline, createTrampolineTable, enumeration, struct, symbolAddress } = require('trampfd');
        const { basename } = require('node:path');
        ${call};
        const files = Object.keys(require.cache).map((path) => basename(path).replace(/-[\\w-]{8}\\.js$/, ''));
        console.log(files.map((file) => file.replace('lazy-', '').replace(process.arch, 'arch')).sort().join(' '));
      `;
      const names = ['core', 'index.js', ...chunks.split(' ')].sort().join(' ');
      assert.equal(runScript(folder, 'commonjs', script), `${names}\n`);
    });
  }

  test('functions have the number of parameters that their declarations have', () => {
    const script = `
      const entries = Object.entries(require('trampfd')).filter(([, value]) => typeof value === 'function');
      console.log(entries.map(([name, { length }]) => name + ' ' + length).sort().join(', '));
    `;
    assert.equal(
      runScript(folder, 'commonjs', script),
      'TrampfdError 2, addressOf 1, cString 1, callbackStats 0, createCallback 3, createRegisterHandler 1, ' +
        'createTrampoline 1, createTrampolineTable 1, disassemble 1, enumeration 1, nativeFunction 3, struct 1, ' +
        'symbolAddress 2, viewMemory 2\n',
    );
  });

  for (const create of [
    `createCallback('void (void)', () => {}, { debug: true })`,
    `createTrampoline({ registers: { pc: symbolAddress('getpid') }, debug: true })`,
    `createRegisterHandler({ handler: symbolAddress('getpid'), debug: true })`,
  ]) {
    test(`the stack that debug mode records begins at the caller: ${create}`, () => {
      const script = `
        const { createCallback, createRegisterHandler, createTrampoline, nativeFunction, symbolAddress } = require('trampfd');
        const userCode = () => ${create};
        const handle = userCode();
        handle.close();
        nativeFunction('void (void)', handle.address)();
      `;
      const { stderr } = run(folder, process.execPath, ['--input-type=commonjs', '--eval', script]);
      assert.match(stderr, /\n {2}created\n +at userCode .*\n/);
    });
  }

  test('functions and classes have their names, as console.log and stack traces show them', () => {
    const script = `
      for (const name of ${list}) {
        for (const [key, value] of Object.entries(await import(name)))
          if (typeof value === 'function' && value.name !== key) console.log(key, 'is called', value.name);
      }
    `;
    assert.equal(runScript(folder, 'module', script), '');
  });

  test('the command runs, as the shell script and as the JavaScript that it is', () => {
    const version = /^\d+\.\d+\.\d+\n$/;
    assert.match(succeed(folder, 'node_modules/.bin/trampfd', ['--version']), version);
    const file = join(folder, 'node_modules/trampfd/dist/bundle/trampfd.js');
    assert.match(succeed(folder, process.execPath, [file, '--version']), version);
    assert.match(succeed(folder, '/bin/sh', [file, '--node', process.execPath, '--version']), version);
  });
}
