import { constants } from 'node:os';
import process from 'node:process';

/** A C addon has functions of its own, and no callbacks that carry data. */
export function open(path) {
  const addon = { exports: {} };
  process.dlopen(addon, path, constants.dlopen.RTLD_NOW);
  return addon.exports;
}
