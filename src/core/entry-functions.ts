/**
 * The functions of the entry point `trampfd` by name, if the bundle is loaded: each calls the function that creates the
 * object, which is loaded at the first call (`scripts/lazy-entry.ts`).
 */
export const entryFunctions: Record<string, unknown> = {};
