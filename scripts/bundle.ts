/**
 * What users load: a few files instead of two hundred, since finding and reading each module takes Node a quarter of a
 * millisecond, in every thread. The modules that the compiler wrote stay beside them for their types and for tests.
 */
import { copyFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

export const bundleFolder = 'dist/bundle';

/** What is started or loaded by its name, and the module that it comes from. */
const entries: Readonly<Record<string, string>> = {
  index: 'index.js',
  main: 'cli/main.js',
  'syscall-thread': 'supervisor/syscalls/syscall-thread.js',
  'tracer-thread': 'supervisor/faults/tracer-thread.js',
  probe: 'doctor/probe.js',
};

/** Libraries of many small files, with their licences beside the code. */
const bundled = ['commander'];
/** Native code, and what is rarely needed. */
const external = ['koffi', 'zod'];

/** Bundles what the compiler wrote to `dist`. */
export async function bundle(): Promise<void> {
  const { metafile } = await build({
    entryPoints: Object.fromEntries(Object.entries(entries).map(([name, file]) => [name, `dist/${file}`])),
    outdir: bundleFolder,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external,
    chunkNames: '[name]-[hash]',
    metafile: true,
    // commander is CommonJS and calls `require`; esbuild can say so in every file or in none.
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module';\nconst require = requireFrom(import.meta.url);",
    },
  });
  const written = new Set(Object.keys(metafile.outputs));
  for (const file of readdirSync(bundleFolder)) {
    if (file.endsWith('.js') && !written.has(join(bundleFolder, file))) rmSync(join(bundleFolder, file));
  }
  for (const name of bundled) {
    copyFileSync(`node_modules/${name}/LICENSE`, join(bundleFolder, `LICENSE-${name}`));
  }
}
