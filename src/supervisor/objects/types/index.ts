/** Registry of object types. */
import { codeType } from './code.js';
import { handlerType } from './handler.js';
import type { ObjectType } from './object-type.js';
import { tableType } from './table.js';
import { userType } from './user.js';

const types = new Map<number, ObjectType>(
  [userType, tableType, codeType, handlerType].map((type) => [type.number, type]),
);

export function objectType(number: number): ObjectType | undefined {
  return types.get(number);
}

/** Adds experimental types, from modules that export one as `type`. */
export async function addTypes(modules: readonly string[]): Promise<void> {
  for (const module of modules) {
    const { type } = (await import(module)) as { type: ObjectType };
    types.set(type.number, type);
  }
}
