/**
 * Node's `spawn`. It loads `node:child_process` at the first call: that takes milliseconds, and most programs spawn
 * nothing. It uses `Reflect.apply` because a wrapper cannot have the types of all overloads.
 */
export const spawn: typeof import('node:child_process').spawn = (...args: unknown[]) =>
  Reflect.apply(process.getBuiltinModule('node:child_process').spawn, undefined, args);
