/** One-line descriptions of handles for `util.inspect` and `console.log`. */

import { hex } from './bits.js';

/** The key of a method that returns what `util.inspect` prints of an object. */
export const inspectSymbol = Symbol.for('nodejs.util.inspect.custom');

/**
 * Returns a line such as `Trampoline { address: 0x7f0012345678, mode: 'fast', closed }`. Bigints are hexadecimal,
 * strings quoted. A field that is `true` is its bare name; `undefined` and `false` are left out.
 */
export function inspectLine(type: string, fields: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(fields).flatMap(([name, value]) => {
    if (value === undefined || value === false) return [];
    return [value === true ? name : `${name}: ${formatField(value)}`];
  });
  return parts.length === 0 ? `${type} {}` : `${type} { ${parts.join(', ')} }`;
}

function formatField(value: unknown): string {
  if (typeof value === 'bigint') return hex(value);
  if (typeof value !== 'string') return String(value);
  const escaped = JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'");
  return `'${escaped}'`;
}
