/** The state of the FPU at the target of a trampoline: x87, SSE, AVX and AVX-512, as far as this machine has them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTrampoline, symbolAddress } from 'trampfd';
import { compileLibrary } from '../support/compile.js';
import koffi from '../support/koffi.js';
import { about, needs } from '../support/needs.js';
import { type Random, randomFor, rounds } from '../support/random.js';

const skip = needs('gcc') || about('x64');
const areaLength = 4096;
/** An XSAVE area: SDM volume 1, section 13.4. */
const area = { mxcsr: 24, st: 32, xmm: 160, features: 512, extended: 576 } as const;

/** Components besides x87 and SSE, with their lengths. */
const components = [
  { number: 2, name: 'upper halves of ymm', length: 256 },
  { number: 5, name: 'opmask', length: 64 },
  { number: 6, name: 'upper halves of zmm0 to zmm15', length: 512 },
  { number: 7, name: 'zmm16 to zmm31', length: 1024 },
];

function openFpu() {
  const path = compileLibrary('fpu', ['fpu.c']);
  const library = koffi.load(path);
  return {
    pc: symbolAddress('fpu_target', path),
    mask: library.func('uint32_t fpu_mask()') as () => number,
    place: library.func('uint32_t fpu_place(uint32_t)') as (component: number) => number,
    run: library.func('void fpu_run(void *, void *, uintptr_t)') as (
      given: Uint8Array,
      arrived: Uint8Array,
      address: bigint,
    ) => void,
  };
}

type Place = readonly [name: string, start: number, length: number];

function randomArea(random: Random, places: readonly Place[], mask: number): Uint8Array {
  const bytes = new Uint8Array(areaLength);
  const view = new DataView(bytes.buffer);
  for (const [, start, length] of places) bytes.set(random.bytes(length), start);
  // The 8 registers of x87 have 10 bytes each, in 16.
  for (let st = 0; st < 8; st++) bytes.set(random.bytes(10), area.st + 16 * st);
  view.setUint16(0, 0x37f | (random.u32() & 0xc00), true); // control: exceptions masked
  view.setUint16(2, random.u32() & 0x7f7f, true); // status: none pending
  bytes[4] = random.u32(); // which registers are full
  view.setUint32(area.mxcsr, 0x1f80 | (random.u32() & 0xe07f), true);
  view.setUint32(area.features, mask, true);
  return bytes;
}

test('a slow trampoline preserves all of it, as a fast one does', { skip }, (t) => {
  const random = randomFor(t);
  const { pc, mask: ask, place, run } = openFpu();
  const mask = ask();
  const extended = components.filter(({ number }) => (mask >> number) & 1 && place(number) !== 0);
  const places: Place[] = [['xmm', area.xmm, 256]];
  for (const { name, number, length } of extended) places.push([name, place(number), length]);
  t.diagnostic(`compared: x87, MXCSR, ${places.map(([name]) => name).join(', ')}`);
  using fast = createTrampoline({ registers: { pc, arg0: 1n } });
  using slow = createTrampoline({ mode: 'slow', registers: { pc, arg0: 1n } });
  for (let left = rounds({ normal: 500, long: 50_000 }); left > 0; left--) {
    const given = randomArea(random, places, mask);
    const [expected, arrived] = [new Uint8Array(areaLength), new Uint8Array(areaLength)];
    run(given, expected, fast.address);
    run(given, arrived, slow.address);
    const differs = (a: Uint8Array, b: Uint8Array, start: number, length: number): boolean =>
      Buffer.compare(a.subarray(start, start + length), b.subarray(start, start + length)) !== 0;
    assert.ok(!differs(arrived, expected, 0, areaLength), 'slow and fast differ');
    for (const [name, start, length] of [
      ...places,
      ['MXCSR', area.mxcsr, 4],
      ['st', area.st, 128],
    ] as const) {
      assert.ok(!differs(arrived, given, start, length), name);
    }
  }
});
