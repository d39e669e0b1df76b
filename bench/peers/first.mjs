/** Measures the milliseconds to load a library, and to create the first callback and call it. */
import { checkCallbacks, library, load, printAndExit } from './ffi.mjs';

const start = performance.now();
const { makeCallback, open } = await load();
const loaded = performance.now();
const { callCallbacks } = open(library);
checkCallbacks(callCallbacks, BigUint64Array.of(makeCallback((first, second) => first + second)));
printAndExit({ load: loaded - start, first: performance.now() - loaded });
