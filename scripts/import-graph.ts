/** The imports of TypeScript files, as a parser finds them: types, re-exports and `import()` included. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { parseSync } from 'oxc-parser';

export interface SourceFile {
  /** Relative to the root, as in `src/index.ts`. */
  readonly path: string;
  /** What the file names: `koffi`, `#src/index.js`, `./values.js`. */
  readonly specifiers: readonly string[];
  /** Files that it imports, by their paths. */
  readonly imports: readonly string[];
  /** The text, with comments blanked out. */
  readonly code: string;
}

/** Parses all `.ts` files in folders below `root`, by path. */
export function readSources(root: string, folders: readonly string[]): Map<string, SourceFile> {
  const paths = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => join(folder, file)),
  );
  return new Map(paths.toSorted().map((path) => [path, parse(path, readFileSync(join(root, path), 'utf8'))]));
}

function parse(path: string, text: string): SourceFile {
  const { module, comments, errors } = parseSync(path, text);
  if (errors.length > 0) throw new SyntaxError(`${path}: ${errors[0]!.message}`);
  let code = text;
  for (const { start, end } of comments) {
    code = code.slice(0, start) + text.slice(start, end).replaceAll(/[^\n]/g, ' ') + code.slice(end);
  }
  const specifiers = [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest }) => moduleRequest?.value ?? []),
    ),
    // The parser's list of dynamic imports lacks those of types.
    ...[...code.matchAll(/\bimport\(\s*'([^']+)'/g)].map(([, specifier]) => specifier!),
  ];
  const unique = [...new Set(specifiers)];
  return { path, specifiers: unique, imports: unique.flatMap((name) => resolve(path, name) ?? []), code };
}

/** The path of an imported file; `undefined` for a package. */
function resolve(importer: string, specifier: string): string | undefined {
  const source = specifier.replace(/\.js$/, '.ts');
  if (source.startsWith('.')) return normalize(join(dirname(importer), source));
  if (source.startsWith('#src/')) return source.slice(1);
  return specifier === 'trampfd' ? 'src/index.ts' : undefined;
}

/** Circles of imports, each by the paths of its files. One circle is reported for each import that closes one. */
export function importCircles(files: ReadonlyMap<string, SourceFile>): string[][] {
  const circles: string[][] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) circles.push([...trail.slice(trail.indexOf(path)), path]);
    if (trail.includes(path) || done.has(path)) return;
    for (const imported of files.get(path)?.imports ?? []) visit(imported, [...trail, path]);
    done.add(path);
  };
  for (const path of files.keys()) visit(path, []);
  return circles;
}
