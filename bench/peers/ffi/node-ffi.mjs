import { DynamicLibrary, getRawPointer } from 'node:ffi';

const ints = { arguments: ['i32', 'i32'], return: 'i32' };
const doubles = { arguments: ['f64', 'f64'], return: 'f64' };
const types = { ints, doubles, sixInts: { arguments: Array(6).fill('i32'), return: 'i32' } };
let library;

export function open(path) {
  library = new DynamicLibrary(path);
  const callCallbacks = library.getFunction('call_callbacks', {
    arguments: ['pointer', 'i32'],
    return: 'i32',
  });
  return {
    addInts: library.getFunction('add_ints', ints),
    addDoubles: library.getFunction('add_doubles', doubles),
    addSix: library.getFunction('add_six', types.sixInts),
    readInt: library.getFunction('read_int', { arguments: ['pointer'], return: 'i32' }),
    pointerTo: ({ buffer }) => getRawPointer(buffer),
    callCallbacks: (list, count) => callCallbacks(getRawPointer(list.buffer), count),
    time: (name, callback, count) =>
      library.getFunction(name, { arguments: ['pointer', 'i32'], return: 'f64' })(callback, count),
  };
}

/** Structures are not supported. */
export const makeCallback = (callee, kind = 'ints') =>
  types[kind] && library.registerCallback(types[kind], callee);
