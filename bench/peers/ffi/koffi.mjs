import koffi from 'koffi';

const point = koffi.struct('point', { x: 'double', y: 'double' });
const types = {
  ints: koffi.proto('int (int, int)'),
  sixInts: koffi.proto('int (int, int, int, int, int, int)'),
  doubles: koffi.proto('double (double, double)'),
  point: koffi.proto('sum_point', 'double', [point]),
};

export function open(path) {
  const library = koffi.load(path);
  return {
    addInts: library.func('int add_ints(int, int)'),
    addDoubles: library.func('double add_doubles(double, double)'),
    addSix: library.func('int add_six(int, int, int, int, int, int)'),
    readInt: library.func('int read_int(const void *)'),
    pointerTo: koffi.address,
    callCallbacks: library.func('int call_callbacks(const void *, int)'),
    time: (name, callback, count) => library.func(`double ${name}(uintptr_t, int)`)(callback, count),
  };
}

export const makeCallback = (callee, kind = 'ints') =>
  koffi.address(koffi.register(callee, koffi.pointer(types[kind])));
