/** Names and groups of the rows of the subject `closure`. */
import type { Contender } from './harness.js';

export const callbackTitles = {
  'node-ffi': 'node:ffi callback',
  bun: 'Bun JSCallback',
  deno: 'Deno UnsafeCallback',
} as const;

const groups = {
  call: 'C calls JavaScript: two pointers, an integer back',
  ints: 'C calls JavaScript: two integers, an integer back',
  relayed: 'C calls JavaScript from another thread',
  make: 'Create and close a callback',
} as const;
type Group = keyof typeof groups;

export function contender(
  name: string,
  title: string,
  group: Group,
  round: () => number,
  vendor?: string,
): Contender {
  return { ...row(name, title, group, vendor), unit: 'ns', round };
}

export function row(
  name: string,
  title: string,
  group: Group,
  vendor?: string,
): Omit<Contender, 'unit' | 'round'> {
  const ownRow = { id: `closure.${name}`, title, group: groups[group] };
  return vendor === undefined ? ownRow : { ...ownRow, vendor };
}
