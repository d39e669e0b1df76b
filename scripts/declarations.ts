/**
 * Writes the declarations that users get: a file for each entry point, and files for what they share. They contain only what
 * the entry points export and the types that those need, without internal members and types of other packages.
 */
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Plugin, rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';
import { bundleFolder, entryPoints } from './bundle.js';

const internalsStripped = 'build/declarations';

/** Writes the declarations, and returns the names of the files. */
export async function declarations(): Promise<string[]> {
  // Removes files of modules that were renamed.
  rmSync(internalsStripped, { recursive: true, force: true });
  const options = ['--emitDeclarationOnly', '--stripInternal', '--noCheck', '--composite', 'false'];
  const tsc = resolve('node_modules/typescript/bin/tsc');
  execFileSync(
    process.execPath,
    [tsc, '--project', 'src', ...options, '--incremental', 'false', '--outDir', internalsStripped],
    { stdio: 'inherit' },
  );
  const build = await rollup({
    input: Object.fromEntries(entryPoints.map((name) => [name, `${internalsStripped}/${name}.d.ts`])),
    plugins: [dts(), withDisposable()],
    // This includes imports from other packages, whose types a program may lack.
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
    // `import` and `require` return the same classes and functions, so they have the same types.
    writeFileSync(join(bundleFolder, `${name}.d.mts`), `export * from './${name}.js';\n`);
    written.push(`${name}.d.mts`);
  }
  return written;
}

/** References the library that declares `Symbol.dispose`, which the compiler options of a program may lack. */
function withDisposable(): Plugin {
  return {
    name: 'declarations-with-disposable',
    renderChunk: (code) =>
      code.includes('[Symbol.dispose]') ? `/// <reference lib="esnext.disposable" />\n${code}` : null,
  };
}
