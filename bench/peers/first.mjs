/** Milliseconds that it takes to load a library, and to make the first callback and have it called. */
import { library, load, proveCallbacks, tell } from './ffi.mjs';

const start = performance.now();
const { makeCallback, open } = await load();
const loaded = performance.now();
const { callCallbacks } = open(library);
proveCallbacks(callCallbacks, BigUint64Array.of(makeCallback((first, second) => first + second)));
tell({ load: loaded - start, first: performance.now() - loaded });
