import { constants } from 'node:os';
import process from 'node:process';

/** A C addon has functions of its own. */
export function open(path) {
  const addon = { exports: {} };
  process.dlopen(addon, path, constants.dlopen.RTLD_NOW);
  return addon.exports;
}

/** They call one function of JavaScript's at a time: nothing in C carries it. */
export const makeCallback = (callee) => callee;
