/** Node-API, for generated code that calls it directly. */
import { fileURLToPath } from 'node:url';
import { TrampfdError } from '../core/errors.js';
import { dlopen, dlsym } from './dl.js';
import { memoryAt } from './memory-view.js';
import { withLock } from './spinlock.js';

/** The symbol that Node looks up in a module. */
export const initFunctionName = 'napi_register_module_v1';
/** Data words of the module: the jump target of its function (64-bit index), and a lock (32-bit index). */
export const moduleData = { name: 'trampfd_initialise', size: 16, target: 0, lock: 2 } as const;

/** Returns the path of the shipped module for an architecture. */
export function modulePath(architecture: string): string {
  return fileURLToPath(new URL(`../native/closure-${architecture}.node`, import.meta.url));
}

/**
 * Loads the module. Its init function jumps to `initFunction`, a `napi_addon_register_func`.
 * @returns the exports that the function filled in
 * @see "napi_register_module_v1" in the documentation of Node-API
 */
export function loadModule(initFunction: bigint): Readonly<Record<string, (...args: never[]) => unknown>> {
  const path = modulePath(process.arch);
  const memory = memoryAt(dlsym(moduleData.name, dlopen(path))!, moduleData.size);
  const module = { exports: {} };
  withLock(new Int32Array(memory), moduleData.lock, () => {
    new BigUint64Array(memory)[moduleData.target] = initFunction;
    process.dlopen(module, path);
  });
  return module.exports;
}

/** Returns the address of a function of Node or of the C library. */
export function resolveImport(name: string): bigint {
  const address = dlsym(name);
  if (address === undefined) {
    const message = `Cannot call JavaScript from native code: this Node has no ${name}`;
    throw new TrampfdError(message, { code: 'ERR_TRAMPFD_SYMBOL' });
  }
  return address;
}
