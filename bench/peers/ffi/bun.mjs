import { dlopen, JSCallback, ptr } from 'bun:ffi';

const ints = { args: ['i32', 'i32'], returns: 'i32' };
const doubles = { args: ['f64', 'f64'], returns: 'f64' };
const types = { ints, doubles, sixInts: { args: Array(6).fill('i32'), returns: 'i32' } };

export function open(path) {
  const { symbols } = dlopen(path, {
    add_ints: ints,
    add_doubles: doubles,
    add_six: types.sixInts,
    read_int: { args: ['ptr'], returns: 'i32' },
    call_callbacks: { args: ['ptr', 'i32'], returns: 'i32' },
  });
  return {
    addInts: symbols.add_ints,
    addDoubles: symbols.add_doubles,
    addSix: symbols.add_six,
    readInt: symbols.read_int,
    pointerTo: ptr,
    callCallbacks: (list, count) => symbols.call_callbacks(ptr(list), count),
    time(name, callback, count) {
      const { symbols } = dlopen(path, { [name]: { args: ['u64', 'i32'], returns: 'f64' } });
      return symbols[name](callback, count);
    },
  };
}

/** Bun frees a callback when its object is collected. */
const callbacks = [];

/** Structures are not supported. */
export function makeCallback(callee, kind = 'ints') {
  if (types[kind] === undefined) return undefined;
  const callback = new JSCallback(callee, types[kind]);
  callbacks.push(callback);
  return BigInt(callback.ptr);
}
