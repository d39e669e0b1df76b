/**
 * Makes the entry point `trampfd` load the code at the first call: parsing it takes longer than all other parts of an import.
 * docs/decisions/022-code-is-loaded-at-the-first-call.md
 */
import type { AstNode, Plugin, PluginContext } from 'rollup';

/** The nodes of the syntax tree that are read here. */
type Node = AstNode & {
  readonly source?: { readonly value: string } | null;
  readonly declaration?: Node | null;
  readonly specifiers?: readonly { readonly exported: { readonly name: string } }[];
  readonly id?: { readonly name: string };
  readonly params?: readonly (AstNode & { readonly name?: string })[];
};

/**
 * Replaces each function that an entry point re-exports by one that calls it, with the same name and parameters. Values of
 * other kinds stay re-exports. A bundler then needs the modules of the functions only in the bodies of others, and may load
 * them there.
 *
 * @param registry the module whose `entryFunctions` are to contain the new functions
 */
export function lazyEntry(entry: string, registry: string): Plugin {
  return {
    name: 'lazy-entry',
    async transform(code, id) {
      if (id !== entry) return null;
      const parts: string[] = [`import { entryFunctions } from ${JSON.stringify(registry)};`];
      const names: string[] = [];
      for (const { source, specifiers = [] } of statements(this.parse(code))) {
        if (source === undefined || source === null) this.error(`${entry} only re-exports`);
        const functions = await functionsOf(this, source.value, entry);
        for (const { name } of specifiers.map(({ exported }) => exported)) {
          const parameters = functions.get(name)?.join(', ');
          if (parameters === undefined) {
            parts.push(`export { ${name} } from '${source.value}';`);
          } else {
            names.push(name);
            parts.push(
              `import { ${name} as ${name}$ } from '${source.value}';`,
              `export function ${name}(${parameters}) { return ${name}$(${parameters}); }`,
            );
          }
        }
      }
      parts.push(`Object.assign(entryFunctions, { ${names.join(', ')} });`);
      return { code: parts.join('\n'), map: null };
    },
  };
}

/** Returns the functions that a module exports, each with the names of its parameters. */
async function functionsOf(
  context: PluginContext,
  source: string,
  importer: string,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const resolved = await context.resolve(source, importer);
  const { ast } = await context.load(resolved!);
  const functions = new Map<string, readonly string[]>();
  for (const { declaration } of statements(ast!)) {
    if (declaration?.type !== 'FunctionDeclaration') continue;
    const { id, params = [] } = declaration;
    const parameters = params.map(({ type, name }) => {
      if (type !== 'Identifier')
        context.error(`${id!.name}: a parameter of an entry function is a name alone`);
      return name!;
    });
    functions.set(id!.name, parameters);
  }
  return functions;
}

function statements(program: unknown): Node[] {
  return (program as { body: Node[] }).body.filter(({ type }) => type === 'ExportNamedDeclaration');
}
