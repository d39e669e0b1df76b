/**
 * Builds the files that users load: a few instead of two hundred, since Node takes a quarter of a millisecond to find and
 * read each module, in every thread. The compiled modules remain beside them for tests.
 *
 * The code is CommonJS, which `require` and `import` share without a second copy, so that there is one state:
 * docs/decisions/019-one-copy-for-import-and-require.md.
 */
import { writeFileSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import * as commonjsModule from '@rollup/plugin-commonjs';
import { nodeResolve } from '@rollup/plugin-node-resolve';
import * as terserModule from '@rollup/plugin-terser';
import { type ManualChunkMeta, type Plugin, rollup } from 'rollup';
import { lazyEntry } from './lazy-entry.js';

export const bundleFolder = 'dist/bundle';

/** Modules that users import, by name. */
export const entryPoints = ['index', 'supervisor', 'diagnose', 'object'] as const;

/** Programs and threads that are started by path. */
const programs: Readonly<Record<string, string>> = {
  main: 'cli/main',
  'syscall-thread': 'supervisor/syscalls/syscall-thread',
  'tracer-thread': 'supervisor/faults/tracer-thread',
  probe: 'doctor/probe',
};

/**
 * Chunks by the entries that load them. A module that is in no group and that several entries load is in `shared` or, if
 * the entry point `trampfd` does not load it, in `system`.
 */
const groups: Readonly<Record<string, readonly string[]>> = {
  command: ['main', 'doctor', 'run', 'inspect'],
  supervision: ['syscall-thread', 'tracer-thread', 'run', 'object'],
};

/** The plugin declares the types of its CommonJS form, where the function is one property deeper. */
const commonjs = commonjsModule.default as unknown as typeof commonjsModule.default.default;

/** The same. */
const terser = terserModule.default as unknown as typeof terserModule.default.default;

const compiled = (module: string) => resolve('dist', `${module}.js`);

interface Bundled {
  readonly files: readonly string[];
  /** Packages whose code is in the files. */
  readonly libraries: readonly string[];
}

/** Bundles what the compiler wrote to `dist`. */
export async function bundle(): Promise<Bundled> {
  const inputs = Object.entries({
    ...Object.fromEntries(entryPoints.map((name) => [name, name])),
    ...programs,
  });
  const build = await rollup({
    input: Object.fromEntries(inputs.map(([name, module]) => [name, compiled(module)])),
    external: [/^node:/],
    // Node's own modules have no side effects.
    treeshake: { moduleSideEffects: 'no-external' },
    plugins: [
      nodeResolve({ exportConditions: ['node'] }),
      commonjs({ include: /\/node_modules\// }),
      lazyEntry(compiled('index'), compiled('core/entry-functions')),
      commonJs(),
    ],
    onwarn({ code, message, ids = [] }) {
      // Misplaced annotations and import circles inside libraries.
      if (code === 'INVALID_ANNOTATION' || ids.some((id) => id.includes('/node_modules/'))) return;
      // Lazy chunks are loaded after the chunk that refers to them.
      if (code !== 'CIRCULAR_DEPENDENCY' && code !== 'CIRCULAR_CHUNK') throw new Error(`rollup: ${message}`);
    },
  });
  const { output } = await build.write({
    dir: bundleFolder,
    format: 'cjs',
    exports: 'named',
    esModule: true,
    externalLiveBindings: false,
    generatedCode: { preset: 'es2015', symbols: false },
    hoistTransitiveImports: false,
    interop: 'default',
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    manualChunks: chunkOf,
    // Half of the time of `import` is parsing. Names of functions and classes remain, for stack traces.
    plugins: [
      terser({
        keep_classnames: true,
        keep_fnames: true,
        compress: false,
        ecma: 2020,
        format: { ascii_only: true },
      }),
    ],
  });
  await build.close();
  const chunks = output.filter((file) => file.type === 'chunk');
  // The package has the type `module`; Node reads the nearest package.json.
  writeFileSync(join(bundleFolder, 'package.json'), '{ "type": "commonjs" }\n');
  const entries = entryPoints.map((name) => chunks.find((chunk) => chunk.fileName === `${name}.js`)!);
  for (const { name, fileName, exports } of entries) {
    for (const [file, text] of Object.entries(facades(name, fileName, exports)))
      writeFileSync(join(bundleFolder, file), text);
  }
  const modules = chunks.flatMap(({ moduleIds }) => moduleIds);
  return {
    libraries: [...new Set(modules.map(libraryOf).filter((name) => name !== undefined))].sort(),
    files: [
      ...chunks.map(({ fileName }) => fileName),
      ...entries.flatMap(({ name, fileName, exports }) => Object.keys(facades(name, fileName, exports))),
      'package.json',
    ],
  };
}

/**
 * The files for `import`, with explicit names: one for Node, and one for bundlers, which do not find files that code
 * requires. Node would scan the text of an imported CommonJS file for its names, in JavaScript.
 */
function facades(name: string, file: string, exports: readonly string[]): Record<string, string> {
  const names = exports.map((exported) => `  ${exported},\n`).join('');
  const require = "process.getBuiltinModule('node:module').createRequire(import.meta.url)";
  return {
    [`${name}.mjs`]: `export const {\n${names}} = ${require}('./${file}');\n`,
    [`${name}.bundle.mjs`]: `export {\n${names}} from './${file}';\n`,
  };
}

/** Returns the chunk of a module, by the entries that load it. */
function chunkOf(id: string, { getModuleInfo }: ManualChunkMeta): string | undefined {
  const library = libraryOf(id);
  // Helpers of the CommonJS plugin belong to the library that uses them.
  if (library !== undefined) return id === commonjsHelpers ? undefined : library.replace('/', '-');
  const own = relative('dist', id);
  const known = Object.entries(chunksByModule).find(([, modules]) => modules.test(own));
  if (known !== undefined) return known[0];
  const starts = new Set<string>();
  const seen = new Set<string>();
  const climb = (module: string): void => {
    if (seen.has(module)) return;
    seen.add(module);
    const info = getModuleInfo(module)!;
    if (info.isEntry || info.dynamicImporters.length > 0) starts.add(basename(module, '.js'));
    info.importers.forEach(climb);
  };
  climb(id);
  if (starts.size === 1 && !(starts.has('index') && id !== compiled('index'))) return undefined;
  const group = Object.keys(groups).find((name) =>
    [...starts].every((start) => groups[name]!.includes(start)),
  );
  // The entry point `trampfd` does not load the rest.
  const shared = rareModules.test(own) ? 'lazy-rare' : 'shared';
  return group ?? (starts.has('index') ? shared : 'system');
}

/**
 * Chunks of modules that are rarely needed, or not by all functions, so that a first trampoline or callback loads little
 * else than it runs. Chunks whose names begin with `lazy` are loaded when something in them is first used.
 */
const chunksByModule: Readonly<Record<string, RegExp>> = {
  // What an import of `trampfd` needs: the parts that most others use, and values that the entry point exports.
  core: /^(core\/|machine\/c-types\.js$|trampolines\/register-context\.js$)/,
  'lazy-x64-more': architectureModules(
    'x64',
    /asm\/disassembler|faults\/|linux\/siginfo|supervised\/|trampolines\/save-/,
  ),
  'lazy-arm64-more': architectureModules(
    'arm64',
    /asm\/disassembler|faults\/|linux\/siginfo|supervised\/|trampolines\/save-/,
  ),
  'lazy-x64': /^machine\/x64\//,
  'lazy-arm64': /^machine\/arm64\//,
  'lazy-prototype': /^ffi\/prototype\//,
  'lazy-call':
    /^(native\/v8-function|ffi\/(bind-call|call-interface|direct-\w+|fast-\w+|fiber-stack|marshal-\w+|native-\w+))\.js$/,
  'lazy-callback': /^ffi\//,
  'lazy-table': /^trampolines\/(create-table|row-[\w]+|columns|table-storage)\.js$/,
  'lazy-handler': /^trampolines\/create-register-handler\.js$/,
  'lazy-slow': /^trampolines\/slots\/(slow-[\w]+|sigsegv-handler)\.js$/,
  'lazy-debug':
    /^(native\/gdb-jit|trampolines\/(debug\/(assert|perf|use)[\w-]*|disassemble|native-memory))\.js$/,
};
/** Modules of `lazy-rare`, if the entry point `trampfd` loads them. */
const rareModules =
  /^(abi\/|codepage\/(file|remap|rwx|trampfd)\.js|linux\/(process|seccomp|trampfd|features|fs\/[st])|machine\/(eh|elf)-)/;

function architectureModules(architecture: string, modules: RegExp): RegExp {
  return new RegExp(`^machine/${architecture}/(${modules.source})`);
}

const commonjsHelpers = '\0commonjsHelpers.js';

/** Returns the name of the package that a module belongs to; `undefined` for modules of this package. */
function libraryOf(id: string): string | undefined {
  if (id === commonjsHelpers) return '@rollup/plugin-commonjs';
  return /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1];
}

/** Chunks that an import of `trampfd` loads. They load all others when something in them is first used. */
const eager = ['index', 'core'];

/** Makes a chunk load others at the first use. */
function loadLazily(code: string, { name }: { readonly name: string }): string {
  let lazy = code;
  for (const [statement, variable, file] of code.matchAll(/^const ([\w$]+) = require\('(\.[^']+)'\);\n/gm)) {
    const isNeededNow = eager.includes(name) ? file!.startsWith('./core-') : !file!.startsWith('./lazy-');
    if (isNeededNow) continue;
    const use = new RegExp(`(?<![\\w$.])${variable}\\.`, 'g');
    lazy = lazy
      .replace(statement, `let ${variable};\n`)
      .replace(use, `(${variable} ??= require('${file}')).`);
  }
  return lazy;
}

/** Replaces `import.meta` and imports of Node's own modules by their CommonJS forms. */
function commonJs(): Plugin {
  const builtin = (name: string) => `process.getBuiltinModule('${name}')`;
  // A bundler may have moved the code to an ES module, which has no `__filename`; hostMachine() then reports it.
  const file = "typeof __filename === 'string' ? __filename : (process.argv[1] ?? '/')";
  return {
    name: 'commonjs-for-node',
    resolveImportMeta: (property) =>
      property === 'url' ? `${builtin('node:url')}.pathToFileURL(${file}).href` : null,
    // A bundle by esbuild, as an ES module, throws at each `require`, even of a module of Node's own.
    renderChunk: (code, chunk) =>
      loadLazily(code, chunk).replaceAll(/\brequire\('(node:[\w/]+)'\)/g, (_, name: string) => builtin(name)),
  };
}
