/**
 * `trampfd`: the code comes from a supervisor that plays the kernel's part. Without one, calling it is out of
 * the question: a sandbox may kill a program for a system call that it does not know. So a supervisor
 * announces itself in the environment, and this method looks there first.
 */
import { TrampfdError } from '../trampoline/errors.js';
import type { CodePageMethod } from './method.js';

export const trampfd: CodePageMethod = {
  name: 'trampfd',
  prepare() {
    throw new TrampfdError('Cannot make a code page by trampfd: no supervisor runs this program', {
      code: 'ERR_NO_SUPERVISOR',
    });
  },
};
