const ints = { parameters: ['i32', 'i32'], result: 'i32' };
const doubles = { parameters: ['f64', 'f64'], result: 'f64' };
const types = {
  ints,
  doubles,
  sixInts: { parameters: Array(6).fill('i32'), result: 'i32' },
  point: { parameters: [{ struct: ['f64', 'f64'] }], result: 'f64' },
};

export function open(path) {
  const { symbols } = Deno.dlopen(path, {
    add_ints: ints,
    add_doubles: doubles,
    add_six: types.sixInts,
    read_int: { parameters: ['pointer'], result: 'i32' },
    call_callbacks: { parameters: ['buffer', 'i32'], result: 'i32' },
  });
  return {
    addInts: symbols.add_ints,
    addDoubles: symbols.add_doubles,
    addSix: symbols.add_six,
    readInt: symbols.read_int,
    pointerTo: Deno.UnsafePointer.of,
    callCallbacks: symbols.call_callbacks,
    time(name, callback, count) {
      const { symbols } = Deno.dlopen(path, { [name]: { parameters: ['usize', 'i32'], result: 'f64' } });
      return symbols[name](callback, count);
    },
  };
}

/** Deno frees a callback when its object is collected. */
const callbacks = [];

export function makeCallback(callee, kind = 'ints') {
  const callback = new Deno.UnsafeCallback(types[kind], callee);
  callbacks.push(callback);
  return BigInt(Deno.UnsafePointer.value(callback.pointer));
}

/** Structures are passed as bytes. */
export function sumPoint(bytes) {
  const [x, y] = new Float64Array(bytes.buffer, bytes.byteOffset, 2);
  return x + y;
}
