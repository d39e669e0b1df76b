import { createCallback, nativeFunction, struct, symbolAddress } from '../../../dist/bundle/index.js';

const types = {
  ints: 'int (int, int)',
  sixInts: 'int (int, int, int, int, int, int)',
  doubles: 'double (double, double)',
  point: { result: 'double', args: [struct({ x: 'double', y: 'double' })] },
};

export function open(library) {
  const bind = (name, signature, options) => nativeFunction(signature, symbolAddress(name, library), options);
  return {
    addInts: bind('add_ints', types.ints),
    addDoubles: bind('add_doubles', 'double (double, double)'),
    callCallbacks: bind('call_callbacks', 'int (const void *, int)'),
    time: (name, callback, count) => bind(name, 'double (void *, int)', { fiber: true })(callback, count),
  };
}

export const makeCallback = (callee, kind = 'ints') => createCallback(types[kind], callee).address;
