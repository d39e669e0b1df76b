/** All types of objects. */
import { code } from './code.js';
import { handler } from './handler.js';
import { table } from './table.js';
import type { ObjectType } from './type.js';
import { user } from './user.js';

const types = new Map<number, ObjectType>([user, table, code, handler].map((type) => [type.number, type]));

export function objectType(number: number): ObjectType | undefined {
  return types.get(number);
}

/** Adds a type, from a module that exports it as `type`: what is tried out before it has a file here. */
export async function addTypes(modules: readonly string[]): Promise<void> {
  for (const module of modules) {
    const { type } = (await import(module)) as { type: ObjectType };
    types.set(type.number, type);
  }
}
