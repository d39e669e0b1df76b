/** The imports of TypeScript files, as a parser finds them: types, re-exports and `import()` included. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { type Program, parseSync, Visitor } from 'oxc-parser';

export interface SourceFile {
  /** Relative to the root, as in `src/index.ts`. */
  readonly path: string;
  /** Names of imports as written: `koffi`, `#src/index.js`, `./values.js`. */
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
  const { program, module, comments, errors } = parseSync(path, text);
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
    ...importCalls(program),
  ];
  const unique = [...new Set(specifiers)];
  return { path, specifiers: unique, imports: unique.flatMap((name) => resolve(path, name) ?? []), code };
}

/** Returns what `import('…')` names, as an expression or a type. */
function importCalls(program: Program): string[] {
  const specifiers: string[] = [];
  new Visitor({
    ImportExpression({ source }) {
      if (source.type === 'Literal' && typeof source.value === 'string') specifiers.push(source.value);
    },
    TSImportType: ({ source }) => specifiers.push(source.value),
  }).visit(program);
  return specifiers;
}

/** Returns the path of an imported file; `undefined` for a package. */
function resolve(importer: string, specifier: string): string | undefined {
  const source = specifier.replace(/\.js$/, '.ts');
  if (source.startsWith('.')) return normalize(join(dirname(importer), source));
  if (source.startsWith('#src/')) return source.slice(1);
  const entry = /^trampfd(?:\/(\w+))?$/.exec(specifier);
  return entry === null ? undefined : `src/${entry[1] ?? 'index'}.ts`;
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
