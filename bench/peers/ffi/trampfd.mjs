import {
  addressOf,
  createCallback,
  nativeFunction,
  struct,
  symbolAddress,
} from '../../../dist/bundle/index.js';

const types = {
  ints: 'int (int, int)',
  sixInts: 'int (int, int, int, int, int, int)',
  doubles: 'double (double, double)',
  point: { result: 'double', args: [struct({ x: 'double', y: 'double' })] },
};

/** @param way `fast` for functions that V8's optimised code calls */
export function open(library, way) {
  const bind = (name, signature, options) => nativeFunction(signature, symbolAddress(name, library), options);
  const options = { fast: way === 'fast' };
  return {
    addInts: bind('add_ints', types.ints, options),
    addDoubles: bind('add_doubles', types.doubles, options),
    addSix: bind('add_six', types.sixInts, options),
    readInt: bind('read_int', 'int (const void *)', options),
    pointerTo: (view) => Number(addressOf(view)),
    callCallbacks: bind('call_callbacks', 'int (const void *, int)'),
    time: (name, callback, count) => bind(name, 'double (void *, int)', { fiber: true })(callback, count),
  };
}

export const makeCallback = (callee, kind = 'ints') => createCallback(types[kind], callee).address;
