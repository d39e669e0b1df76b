import { constants } from 'node:os';
import process from 'node:process';

/** Loads an add-on that exports the functions. */
export function open(path) {
  const addon = { exports: {} };
  process.dlopen(addon, path, constants.dlopen.RTLD_NOW);
  return addon.exports;
}

/** Functions of the add-on take the JavaScript function instead of an address. */
export const makeCallback = (callee) => callee;
