/**
 * Node's `spawn`, loaded when it is called: that takes milliseconds, and most programs that import us spawn nothing. It
 * is applied, since its overloads are more than a wrapper's types can tell.
 */
export const spawn: typeof import('node:child_process').spawn = (...args: unknown[]) =>
  Reflect.apply(process.getBuiltinModule('node:child_process').spawn, undefined, args);
