/**
 * The declarations that users get: of each entry point one file, and what they share in another. They have what the
 * entry points export and what that needs; neither members that are marked as internal, nor types of other packages.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Plugin, rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';
import { type Bundled, bundleFolder, entryPoints } from './bundle.js';

const internalsStripped = 'build/declarations';

/**
 * @param exports what each entry point exports when it runs
 * @returns the files that were written
 */
export async function declarations(exports: Bundled['exports']): Promise<string[]> {
  const options = ['--emitDeclarationOnly', '--stripInternal', '--noCheck', '--composite', 'false'];
  const tsc = resolve('node_modules/typescript/bin/tsc');
  execFileSync(
    process.execPath,
    [tsc, '--project', 'src', ...options, '--incremental', 'false', '--outDir', internalsStripped],
    { stdio: 'inherit' },
  );
  dropInternalInterfaces();
  const build = await rollup({
    input: Object.fromEntries(entryPoints.map((name) => [name, `${internalsStripped}/${name}.d.ts`])),
    external: /^node:/,
    plugins: [dts(), independent(), onlyTypes(exports)],
    onwarn({ message, code }) {
      if (code !== 'CIRCULAR_DEPENDENCY') throw new Error(`rollup: ${message}`);
    },
  });
  const { output } = await build.write({
    dir: bundleFolder,
    format: 'es',
    entryFileNames: '[name].d.ts',
    // Their names end in `.d` already.
    chunkFileNames: 'shared-[name].ts',
  });
  await build.close();
  const written = output.map(({ fileName }) => fileName);
  for (const name of entryPoints) {
    // What `import` and `require` give are the same classes and functions, so they have the same types.
    writeFileSync(join(bundleFolder, `${name}.d.mts`), `export * from './${name}.js';\n`);
    written.push(`${name}.d.mts`);
  }
  return written;
}

/** Removes `implements` clauses of classes: the interfaces are internal, and users see the members. */
function dropInternalInterfaces(): void {
  for (const file of readdirSync(internalsStripped, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.d.ts')) continue;
    const path = join(internalsStripped, file);
    const text = readFileSync(path, 'utf8');
    const without = text.replaceAll(
      /^(export declare (?:abstract )?class .*) implements [\w, ]+ \{$/gm,
      '$1 {',
    );
    if (without !== text) writeFileSync(path, without);
  }
}

/** Makes them valid whatever else a program has: neither `@types/node` nor a `lib` in its options. */
function independent(): Plugin {
  return {
    name: 'declarations-without-types-of-node',
    renderChunk(code) {
      // What is imported is `any` then.
      const tolerant = code.replaceAll(
        /^import .* from 'node:.*$/gm,
        '// @ts-ignore: @types/node may be missing\n$&',
      );
      return tolerant.includes('[Symbol.dispose]')
        ? `/// <reference lib="esnext.disposable" />\n${tolerant}`
        : tolerant;
    },
  };
}

/** Rolling up forgets that only the type of a class is exported, and a program could seem to have the class itself. */
function onlyTypes(exports: Bundled['exports']): Plugin {
  return {
    name: 'declarations-export-what-is-there',
    renderChunk(code, { name, isEntry }) {
      if (!isEntry) return null;
      const values = exports[name]!;
      const named: string[] = [];
      const rest = code.replaceAll(/^export (?:type )?\{ (.*) \};\n/gm, (_, names: string) => {
        named.push(...names.split(', '));
        return '';
      });
      const clause = (keyword: string, names: readonly string[]) =>
        names.length === 0 ? '' : `${keyword} { ${names.join(', ')} };\n`;
      const missing = values.filter((value) => !named.includes(value));
      if (missing.length > 0) throw new Error(`no declarations of ${missing.join(', ')}`);
      const types = named.filter((each) => !values.includes(each));
      return `${rest}${clause('export', values)}${clause('export type', types)}`;
    },
  };
}
