/** One-line output of handles for `console.log` and `util.inspect`. */

/** The key of the method that `util.inspect` calls; declared here, so that users need no `@types/node`. */
export const inspectSymbol = Symbol.for('nodejs.util.inspect.custom');

/**
 * Returns `Type { field: value, … }` in one line: bigints in hexadecimal, strings in single quotes, `true` as the
 * bare name of its field. Fields that are `undefined` or `false` are left out.
 */
export function inspectLine(type: string, fields: Readonly<Record<string, unknown>>): string {
  const shown = Object.entries(fields).flatMap(([name, value]) => {
    if (value === undefined || value === false) return [];
    return [value === true ? name : `${name}: ${inspectValue(value)}`];
  });
  return `${type} { ${shown.join(', ')} }`;
}

function inspectValue(value: unknown): string {
  if (typeof value === 'bigint') return `0x${value.toString(16)}`;
  if (typeof value === 'string') return `'${value.replaceAll(/['\\]/g, '\\$&')}'`;
  return String(value);
}
