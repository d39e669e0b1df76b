/** Wrong input is refused with a message that names it and the reason, and nothing changes. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  addressOf,
  createTrampoline,
  createTrampolineTable,
  cString,
  disassemble,
  symbolAddress,
  viewMemory,
} from 'trampfd';
import { processor } from '../support/processor.js';

const pc = symbolAddress('memcmp');
const { foreign } = processor;

/** Removes the parameter types of a function, for calls that only JavaScript can make. */
const loosely = <Args extends unknown[], Result>(call: (...args: Args) => Result) =>
  call as (...args: unknown[]) => Result;

const trampoline = loosely(createTrampoline);
const table = loosely(createTrampolineTable);

const refusals: Record<string, [() => unknown, RegExp][]> = {
  'registers of a trampoline': [
    [() => trampoline(), /TypeError: registers must be an object, not undefined/],
    [() => trampoline({ registers: null }), /TypeError: registers must be an object, not null/],
    [() => trampoline({ registers: [pc] }), /TypeError: registers must be an object, not an Array/],
    [() => trampoline({ registers: {} }), /TypeError: registers must set pc/],
    [() => trampoline({ registers: { pc: 0n } }), /RangeError: registers\.pc must not be 0/],
    [
      () => trampoline({ registers: { pc, arg9: 1n } }),
      /RangeError: no register is called "arg9"; a context may set pc, arg0/,
    ],
    [() => trampoline({ registers: { pc, toString: 1n } }), /RangeError: no register is called "toString"/],
    [() => trampoline({ registers: { pc, eax: 1n } }), /RangeError: "eax" is a register of 32-bit programs/],
    [
      () => trampoline({ registers: { pc, [foreign]: 1n } }),
      /RangeError: ".*" is a register of another architecture/,
    ],
    [
      () => trampoline({ registers: { pc, arg2: 8 } }),
      /TypeError: registers\.arg2 must be a bigint, not a number: write 8n/,
    ],
    [
      () => trampoline({ registers: { pc, arg2: 0.5 } }),
      /TypeError: registers\.arg2 must be a bigint, not a number$/,
    ],
    [
      () => trampoline({ registers: { pc, arg2: '8' } }),
      /TypeError: registers\.arg2 must be a bigint, not a string/,
    ],
    [
      () => trampoline({ registers: { pc, arg2: 2n ** 64n } }),
      /RangeError: registers\.arg2 does not fit into 64 bits/,
    ],
    [
      () => trampoline({ registers: { pc, arg2: -(2n ** 63n) - 1n } }),
      /RangeError: registers\.arg2 does not fit/,
    ],
  ],
  'stack data of a trampoline': [
    [() => stack('bytes'), /TypeError: stackData must be an object, not a string/],
    [() => stack({}), /TypeError: stackData\.data must be a Uint8Array, not undefined/],
    [() => stack({ data: [1] }), /TypeError: stackData\.data must be a Uint8Array, not an Array/],
    [
      () => stack({ data: new Uint8Array(65) }),
      /RangeError: stackData\.data has 65 bytes; at most 64 are possible/,
    ],
    [
      () => stack({ data: new Uint8Array(1), offset: 257 }),
      /RangeError: stackData\.offset must be a whole number from 0 to 256, not 257/,
    ],
    [() => stack({ data: new Uint8Array(1), offset: -1 }), /RangeError: stackData\.offset/],
    [() => stack({ data: new Uint8Array(1), offset: 1.5 }), /RangeError: stackData\.offset/],
    [
      () => stack({ data: new Uint8Array(1), offset: 8n }),
      /TypeError: stackData\.offset must be a number, not a bigint/,
    ],
    [() => stack({ data: new Uint8Array(1), setSp: 1 }), /TypeError: stackData\.setSp must be true or false/],
    [
      () => stack({ data: new Uint8Array(1), setSP: true }),
      /TypeError: stackData has no property "setSP"; it takes data, offset, setSp/,
    ],
  ],
  'allowed PCs': [
    [
      () => trampoline({ registers: { pc }, allowedPcs: pc }),
      /TypeError: allowedPcs must be an array, not a bigint/,
    ],
    [
      () => trampoline({ registers: { pc }, allowedPcs: [pc, 0n] }),
      /RangeError: allowedPcs\[1\] must not be 0/,
    ],
    [
      () => trampoline({ registers: { pc }, allowedPcs: [1] }),
      /TypeError: allowedPcs\[0\] must be a bigint, not a number: write 1n/,
    ],
    [
      () => trampoline({ registers: { pc }, allowedPcs: Array(17).fill(pc) }),
      /RangeError: allowedPcs has 17 entries; at most 16/,
    ],
    [
      () => trampoline({ registers: { pc }, allowedPcs: [pc + 1n] }),
      /RangeError: registers\.pc 0x[0-9a-f]+ is not among/,
    ],
  ],
  options: [
    [
      () => trampoline({ registers: { pc }, nmae: 'x' }),
      /TypeError: options has no property "nmae"; it takes mode, codeSource, name/,
    ],
    [() => trampoline({ registers: { pc }, mode: 'medium' }), /RangeError: mode must be "fast" or "slow"/],
    [
      () => trampoline({ registers: { pc }, codeSource: 'magic' }),
      /RangeError: codeSource must be "memfd".*, not "magic"/,
    ],
    [
      () => trampoline({ registers: { pc }, name: '' }),
      /RangeError: name must be 1 to 200 printable characters/,
    ],
    [
      () => trampoline({ registers: { pc }, name: 'a\nb' }),
      /RangeError: name must be 1 to 200 printable characters/,
    ],
    [() => trampoline({ registers: { pc }, name: 7 }), /TypeError: name must be a string, not a number/],
    [() => trampoline({ registers: { pc }, debug: 'yes' }), /TypeError: debug must be true or false/],
    [() => trampoline({ registers: { pc }, perfMap: 1 }), /TypeError: perfMap must be true or false/],
  ],
  'the shape of a table': [
    [() => table(), /TypeError: registers must be an array of names, not undefined/],
    [() => table({ registers: 'arg2' }), /TypeError: registers must be an array of names, not a string/],
    [() => table({ registers: new Array(1) }), /TypeError: registers\[0\] must be a string, not undefined/],
    [() => table({ registers: [2] }), /TypeError: registers\[0\] must be a string, not a number/],
    [() => table({ registers: ['pc'] }), /RangeError: registers: leave out "pc"; every trampoline has a PC/],
    [
      () => table({ registers: ['arg2', 'arg2'] }),
      /RangeError: registers: "arg2" and "arg2" are the same register/,
    ],
    [() => table({ registers: [foreign] }), /RangeError: ".*" is a register of another architecture/],
    [
      () => table({ registers: [], stackData: { size: 0 } }),
      /RangeError: stackData\.size must be a whole number from 1 to 64, not 0/,
    ],
    [() => table({ registers: [], stackData: { size: 65 } }), /RangeError: stackData\.size/],
    [() => table({ registers: [], atomic: 'yes' }), /TypeError: atomic must be true or false/],
    [() => table({ registers: [], isolated: 0 }), /TypeError: isolated must be true or false/],
    [() => table({ registers: [], frozen: true }), /TypeError: options has no property "frozen"/],
  ],
  'addresses and text': [
    [() => loosely(symbolAddress)(7), /TypeError: name must be a string, not a number/],
    [() => symbolAddress(''), /RangeError: name is empty/],
    [() => symbolAddress('a\0b'), /RangeError: name contains a NUL/],
    [
      () => symbolAddress('no_such_symbol'),
      /TrampfdError: Cannot find the symbol no_such_symbol: it is in no library of this process/,
    ],
    [
      () => symbolAddress('puts', 'no-such-library.so'),
      /TrampfdError: Cannot load the library no-such-library\.so: .*No such file/,
    ],
    [() => symbolAddress('puts_', 'libm.so.6'), /TrampfdError: .* it is not in libm\.so\.6/],
    [() => loosely(viewMemory)(1, 1), /TypeError: address must be a bigint, not a number: write 1n/],
    [() => viewMemory(4096n, 8), /TrampfdError: Cannot view 8 bytes at 0x1000: not all of it is mapped/],
    [() => viewMemory(2n ** 63n, 8), /TrampfdError: Cannot view/],
    [() => viewMemory(pc, 2 ** 46), /TrampfdError: Cannot view/],
    [() => viewMemory(pc, -1), /RangeError: byteLength/],
    [
      () => loosely(addressOf)('text'),
      /TypeError: view must be an ArrayBuffer or a view of one, not a string/,
    ],
    [() => addressOf(new Uint8Array()), /RangeError: view has no bytes/],
    [() => loosely(cString)(7n), /TypeError: text must be a string, not a bigint/],
    [() => cString('a\0b'), /RangeError: text contains a NUL/],
    [() => disassemble(16n), /TrampfdError: Cannot read memory at 0x10: read failed \(EIO\)/],
    [() => disassemble(0n), /RangeError: address must not be 0/],
    [() => disassemble(2n ** 64n - 8n), /Error: Cannot read memory at 0xf{15}8/],
  ],
};

function stack(value: unknown): unknown {
  return trampoline({ registers: { pc }, stackData: value });
}

for (const [subject, cases] of Object.entries(refusals)) {
  describe(subject, () => {
    for (const [call, message] of cases) {
      test(call.toString().replace('() => ', ''), () => assert.throws(call, message));
    }
  });
}

test('a register can be named only once, by either of its names', () => {
  for (const [name, twin] of processor.twins) {
    assert.throws(() => trampoline({ registers: { pc, [name]: pc, [twin]: pc } }), {
      message: `registers: "${name}" and "${twin}" are the same register`,
    });
  }
});

test('values of a table are checked before anything changes', () => {
  const words = createTrampolineTable({ registers: ['arg2'], stackData: { size: 4 } });
  const values = { pc, arg2: 1n, stackData: Uint8Array.of(1, 2, 3, 4) };
  const address = words.add(values);
  const cases: [unknown, RegExp][] = [
    [undefined, /TypeError: values must be an object, not undefined/],
    [
      { ...values, arg1: 1n },
      /RangeError: this table has no "arg1"; its trampolines have pc, arg2, stackData/,
    ],
    [{ ...values, arg2: 8 }, /TypeError: arg2 must be a bigint, not a number: write 8n/],
    [{ ...values, arg2: undefined }, /TypeError: arg2 must be a bigint, not undefined/],
    [{ ...values, pc: 0n }, /RangeError: pc must not be 0/],
    [{ ...values, pc: 2n ** 64n }, /RangeError: pc does not fit into 64 bits/],
    [{ ...values, stackData: [1, 2, 3, 4] }, /TypeError: stackData must be a Uint8Array, not an Array/],
    [
      { ...values, stackData: new Uint8Array(5) },
      /RangeError: stackData has 5 bytes; this table's trampolines have 4/,
    ],
  ];
  for (const [wrong, message] of cases) {
    assert.throws(() => loosely(words.add.bind(words))(wrong), message);
    assert.throws(() => loosely(words.set.bind(words))(address, wrong), message);
  }
  for (const missing of ['pc', 'arg2', 'stackData']) {
    const { [missing as 'pc']: _, ...rest } = values;
    assert.throws(() => loosely(words.add.bind(words))(rest), new RegExp(`TypeError: ${missing} is missing`));
  }
  assert.equal(words.size, 1);
  assert.deepEqual(words.get(address), values);
  words.close();
});

test('stack data from a getter is read once', () => {
  const answers = [new Uint8Array(4), { byteLength: -8, length: 1 }];
  const stackData = {
    get data() {
      return answers.shift();
    },
  };
  const made = trampoline({ registers: { pc }, stackData });
  assert.deepEqual(made.stackData, { data: new Uint8Array(4), offset: 0, setSp: false });
  made.close();
});
