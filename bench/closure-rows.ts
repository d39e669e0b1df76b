/** What the rows of the subject `closure` are called, and which of them are compared. */
import type { Contender } from './harness.js';

export const callbacks = {
  'node-ffi': 'node:ffi callback',
  bun: 'Bun JSCallback',
  deno: 'Deno UnsafeCallback',
} as const;

const groups = {
  call: 'C calls JavaScript: two pointers, an integer back',
  ints: 'C calls JavaScript: two integers, an integer back',
  relayed: 'C calls JavaScript from another thread',
  make: 'Make a callback and free it',
} as const;
type Group = keyof typeof groups;

export function contender(
  name: string,
  title: string,
  group: Group,
  round: () => number,
  by?: string,
): Contender {
  return { ...row(name, title, group, by), unit: 'ns', round };
}

export function row(
  name: string,
  title: string,
  group: Group,
  by?: string,
): Omit<Contender, 'unit' | 'round'> {
  const named = { id: `closure.${name}`, title, group: groups[group] };
  return by === undefined ? named : { ...named, by };
}
