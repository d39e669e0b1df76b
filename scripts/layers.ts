/**
 * Checks rules that the compiler does not know: imports go downwards and in no circles, no source imports koffi, architectures
 * stay in their folders, and a test imports either the bundle or the modules. Prints all violations and exits with 1.
 *
 *     node build/scripts/layers.js [root]
 */
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { importCircles, readSources, type SourceFile } from './import-graph.js';

/** From top to bottom. A file imports files of its own layer and of those below. */
const layers = [
  'cli',
  'object',
  'supervisor',
  'ffi',
  'doctor',
  'trampolines',
  'codepage',
  'launcher',
  'linux',
  'native',
  'machine',
  'abi',
  'core',
];

/** The C library's functions, and the layers that may call them. */
const libc = 'src/native/libc.ts';
const libcUsers = ['native', 'linux', 'doctor'];

/** Code for an architecture, and the numbers of its registers. */
const architectural = /^src\/(machine\/|core\/registers\.ts$)/;

export interface Report {
  readonly files: number;
  readonly imports: number;
  readonly violations: readonly string[];
}

/** Checks a project. Without sources it reports a violation: a check that sees nothing must not pass. */
export function checkLayers(root: string): Report {
  const files = readSources(root, ['src', 'bench', 'scripts', 'test', 'examples']);
  const all = [...files.values()];
  const imports = all.reduce((sum, file) => sum + file.imports.length, 0);
  const violations = [
    ...all.flatMap((file) => file.imports.filter((path) => !files.has(path)).map(missing(file))),
    ...all.filter(({ path }) => path.startsWith('src/')).flatMap(checkSource),
    ...all.flatMap(checkBundleUse),
    ...importCircles(files).map((circle) => `circle of imports: ${circle.join(' -> ')}`),
    ...(imports < all.length ? [`only ${imports} imports found in ${all.length} files`] : []),
  ];
  return { files: all.length, imports, violations };
}

/** Position of a file's layer from the top. Entry points, in `src/` itself, are above all layers. */
function layerOf(path: string): number | undefined {
  const [, layer, ...rest] = path.split('/');
  if (rest.length === 0) return -1;
  const index = layers.indexOf(layer!);
  return index < 0 ? undefined : index;
}

function missing({ path }: SourceFile): (imported: string) => string {
  return (imported) => `${path}: imports ${imported}, which is missing`;
}

function checkSource({ path, specifiers, imports, code }: SourceFile): string[] {
  const layer = layerOf(path);
  if (layer === undefined) return [`${path}: is in no layer`];
  const upward = imports.filter((imported) => (layerOf(imported) ?? layer) < layer);
  const mayUseLibc = libcUsers.includes(path.split('/')[1]!);
  const names = architectural.test(path) ? [] : code.match(/\b(x64|arm64|x86|aarch64)\w*/gi);
  return [
    ...upward.map((imported) => `${path}: imports ${imported}, from a layer above`),
    ...(specifiers.includes('koffi') ? [`${path}: imports koffi; only tests and benchmarks may`] : []),
    ...(imports.includes(libc) && !mayUseLibc ? [`${path}: imports ${libc} from outside of linux/`] : []),
    ...(names ?? []).map((name) => `${path}: names the architecture ${name}`),
  ];
}

/** A test that imports the bundle and its modules has two instances of the same code. */
function checkBundleUse({ path, specifiers }: SourceFile): string[] {
  const both =
    specifiers.some((name) => /^trampfd($|\/)/.test(name)) &&
    specifiers.some((name) => name.startsWith('#src/'));
  return both && path.startsWith('test/') ? [`${path}: imports trampfd and #src/`] : [];
}

if (realpathSync(process.argv[1]!) === fileURLToPath(import.meta.url)) {
  const { files, imports, violations } = checkLayers(process.argv[2] ?? '.');
  for (const violation of violations) console.error(violation);
  console.log(`Layers: ${files} files, ${imports} imports, ${violations.length} violations`);
  if (violations.length > 0) process.exitCode = 1;
}
