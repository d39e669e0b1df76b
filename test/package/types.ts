/** The declarations: with each supported TypeScript, with and without `@types/node`, as modules and as CommonJS. */
import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type App, run, writeFiles } from './app.js';
import { allRows, needsTools, root, toolFile } from './tools.js';

interface Row {
  readonly typescript: '5.7' | '5.8' | '5.9' | '6' | '7';
  readonly resolution: 'nodenext' | 'bundler';
  readonly types: 'node' | 'none';
}

const entryPoints = ['trampfd', 'trampfd/supervisor', 'trampfd/diagnose', 'trampfd/object'];

/** The oldest and the newest, each with what the other does not test. The other rows: `npm run test:package`. */
const usualRows: readonly Row[] = [
  { typescript: '5.7', resolution: 'nodenext', types: 'none' },
  { typescript: '5.7', resolution: 'bundler', types: 'node' },
  { typescript: '7', resolution: 'nodenext', types: 'node' },
  { typescript: '7', resolution: 'bundler', types: 'none' },
];
const matrix = (['5.7', '5.8', '5.9', '6', '7'] as const).flatMap((typescript) =>
  (['nodenext', 'bundler'] as const).flatMap((resolution) =>
    (['node', 'none'] as const).map((types): Row => ({ typescript, resolution, types })),
  ),
);

const program = `
import { createCallback, createTrampoline, nativeFunction, struct, TrampfdError } from 'trampfd';
import { type Diagnosis, diagnose } from 'trampfd/diagnose';
import { createTrampolineObject } from 'trampfd/object';
import { spawnSupervised } from 'trampfd/supervisor';

export async function use(pc: bigint): Promise<Diagnosis> {
  using trampoline = createTrampoline({ registers: { pc, arg2: 6n } });
  using object = createTrampolineObject();
  const fd: number = object.fd;
  const point = struct({ x: 'double', y: 'double' });
  const length = nativeFunction({ result: 'double', args: [point] }, trampoline.address);
  const result: number = length({ x: 1, y: fd });
  createCallback('int (const char *, int64_t)', (text, number) => {
    const types: [string | null, bigint] = [text, number];
    return types.length + result;
  });
  // @ts-expect-error a type that C does not have
  createCallback('int (strnig)', () => 0);
  // @ts-expect-error no result
  createCallback('int (void)', () => {});
  // @ts-expect-error no type for a field
  struct({ x: {} });
  // @ts-expect-error a number where an address is expected
  createTrampoline({ registers: { pc: 1 } });
  // @ts-expect-error a restriction that does not exist
  await diagnose({ restrictions: ['none'] });
  const options = { cwd: '/', env: { NAME: 'value' }, stdio: ['ignore', 'pipe', 1] } as const;
  spawnSupervised('/bin/true', ['argument'], options);
  // @ts-expect-error the kind of a stream is misspelt
  spawnSupervised('/bin/true', [], { stdio: 'pip' });
  try {
    return await diagnose({ restrictions: ['mdwe'] });
  } catch (error) {
    throw error instanceof TrampfdError ? new RangeError(error.code) : error;
  }
}
`;

/** With the types of Node, Node's functions accept a supervised program and its streams. */
const programOfNode = `
import { once } from 'node:events';
import { spawnSupervised } from 'trampfd/supervisor';

export async function status(): Promise<number | null> {
  const child = spawnSupervised('/bin/true', [], { cwd: new URL('file:///'), stdio: [process.stdin] });
  // @ts-expect-error not any
  child.kilt();
  const options = { signal: AbortSignal.timeout(1000) };
  const [code] = await once(spawnSupervised('/bin/true', [], options), 'exit');
  return code;
}
`;

export function testTypes({ folder }: App): void {
  describe('declarations', () => {
    const bundle = join(folder, 'node_modules/trampfd/dist/bundle');
    const files = readdirSync(bundle).filter((file) => /\.d\.m?ts$/.test(file));

    test('have neither internals nor types of other packages', () => {
      assert.ok(files.length >= 8);
      for (const file of files) {
        const text = readFileSync(join(bundle, file), 'utf8');
        assert.doesNotMatch(text, /@internal|\bzod\b|\bkoffi\b/i, file);
        // Not the examples in comments.
        for (const [, from] of text.matchAll(/^(?:import|export)\b.*\bfrom '([^']+)'/gm))
          assert.match(from!, /^\.\//, file);
      }
    });
  });

  describe('compilers', { skip: needsTools() }, () => {
    test('declare the functions and classes that are exported, and no others', async () => {
      const sources = await Promise.all(
        entryPoints.map(async (name) => {
          const names = Object.keys(await import(name));
          assert.ok(names.length > 0);
          const values = JSON.stringify(Object.fromEntries(names.map((value) => [value, 0])));
          return `export const ${name.replace(/\W/, '_')}: Record<keyof typeof import('${name}'), 0> = ${values};\n`;
        }),
      );
      const row = { typescript: '7', resolution: 'nodenext', types: 'none' } as const;
      compile(folder, row, { 'exports.mts': sources.join('') });
    });

    for (const row of allRows ? matrix : usualRows) {
      const { typescript, resolution, types } = row;
      test(`TypeScript ${typescript}, ${resolution}, ${types === 'node' ? 'with' : 'without'} types of Node`, () => {
        compile(folder, row, {
          'use.mts': program,
          // Compiled to CommonJS. A bundler decides by itself.
          ...(resolution === 'nodenext' ? { 'use.cts': program } : {}),
          ...(types === 'node' ? { 'node.mts': programOfNode, ...examples() } : {}),
        });
      });
    }
  });
}

/** The examples of README.md, and the tests of types of the project. */
function examples(): Record<string, string> {
  const text = readFileSync(join(root, 'README.md'), 'utf8');
  const readme = [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, source], index) => [
    `readme${index}.mts`,
    source!,
  ]);
  const tests = readdirSync(join(root, 'test/types')).map((name) => [
    `test-${name.replace(/ts$/, 'mts')}`,
    readFileSync(join(root, 'test/types', name), 'utf8'),
  ]);
  assert.ok(readme.length > 0 && tests.length > 0);
  return Object.fromEntries([...readme, ...tests]);
}

/** Compiles sources in strict mode; declarations are checked, too. */
function compile(
  folder: string,
  { typescript, resolution, types }: Row,
  sources: Record<string, string>,
): void {
  const name = `types-${typescript}-${resolution}-${types}`;
  const compilerOptions = {
    noEmit: true,
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    target: 'es2022',
    // Without the DOM.
    lib: ['es2022'],
    ...(resolution === 'nodenext'
      ? { module: 'nodenext' }
      : { module: 'esnext', moduleResolution: 'bundler' }),
    types: types === 'node' ? ['node'] : [],
    typeRoots: types === 'node' ? ['./node_modules/@types'] : [],
  };
  const config = JSON.stringify({ compilerOptions, files: Object.keys(sources) });
  writeFiles(join(folder, name), { ...sources, 'tsconfig.json': config });
  if (types === 'node') {
    for (const each of ['@types/node', 'undici-types'])
      cpSync(toolFile(each), join(folder, name, 'node_modules', each), { recursive: true });
  }
  const packageName = typescript === '5.9' ? 'typescript' : `typescript-${typescript}`;
  const tsc = toolFile(packageName, 'bin/tsc');
  const { status, stdout } = run(join(folder, name), process.execPath, [tsc, '--pretty', 'false']);
  assert.deepEqual({ status, stdout }, { status: 0, stdout: '' });
}
