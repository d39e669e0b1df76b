/**
 * Tries to create trampolines after a resource is exhausted: `exhaustion.child.js OBSTACLE`. Each attempt is repeated
 * with slightly more of the resource until it succeeds, so that each of its steps fails once. Fails if a failed
 * attempt leaks anything.
 */
import assert from 'node:assert/strict';
import type { CodeSource } from '#src/codepage/code-page-method.js';
import { methods } from '#src/codepage/method-selection.js';
import { regionAlignment } from '#src/codepage/regions.js';
import { registerNumber } from '#src/core/registers.js';
import { shapeKey } from '#src/core/shape.js';
import { createTrampoline, createTrampolineTable, symbolAddress, TrampfdError } from '#src/index.js';
import { mappings } from '#src/linux/process/proc-maps.js';
import { hostMachine } from '#src/native/host.js';
import koffi from '../support/koffi.js';
import {
  fillAddressSpace,
  fillDescriptors,
  fillMappings,
  type Obstacle,
  stockUp,
} from '../support/limits.js';

interface Row {
  readonly fill: () => Obstacle;
  readonly code: string;
  readonly message: RegExp;
}

const obstacles: Readonly<Record<string, Row>> = {
  mappings: { fill: fillMappings, code: 'ENOMEM', message: /as many mappings as vm\.max_map_count allows/ },
  memory: { fill: () => fillAddressSpace(2 ** 17), code: 'ENOMEM', message: /has no memory left/ },
  descriptors: { fill: fillDescriptors, code: 'EMFILE', message: /as RLIMIT_NOFILE allows/ },
};

const { fill, code, message } = obstacles[process.argv[2]!]!;
const pc = symbolAddress('abs');
const abs = koffi.proto('int ()');
const call = (address: bigint): number => koffi.call(address, abs);
/** Number of attempts before more of the resource is released. Errors use memory. */
const times = code === 'ENOMEM' ? 2 : 10;

/** Mappings of one region: code, isolated data and its alias. */
const mostMappings = 3;
const ours = (): number =>
  mappings().filter(
    ({ path, shared, executable }) => path.startsWith('/memfd:trampfd') || (shared && executable),
  ).length;

/** Max number of regions for slots of 32 bytes with one register; some methods have only short regions. */
const [first = ''] = (process.env['TRAMPFD_METHODS'] ?? '').split(',');
const arg0 = registerNumber(hostMachine().registerFile, 'arg0');
const place = methods[(first || 'memfd') as CodeSource].locate?.(
  shapeKey({ registers: [arg0], stack: undefined }),
);
const regionsFor = (count: number): number => Math.ceil((count * 32) / (place?.length ?? regionAlignment));

/**
 * Repeats `attempt` until it succeeds, and undoes it. Success maps `regions`, which stay mapped; failures must not map
 * more. Returns the number of failures.
 */
function struggle(regions: number, attempt: () => () => void): number {
  const before = ours();
  freeHeapSpace();
  const obstacle = fill();
  let refusals = 0;
  let undo: (() => void) | undefined;
  const errors = new Map<string, unknown>();
  while (undo === undefined && refusals < 100_000) {
    try {
      undo = attempt();
    } catch (error) {
      errors.set(`${error}`, error);
      if (++refusals % times === 0) obstacle.yield();
    }
  }
  obstacle.remove();
  for (const error of errors.values()) {
    assert.ok(error instanceof TrampfdError, error as Error);
    assert.equal(error.code, code);
    assert.match(error.message, message);
  }
  undo?.();
  assert.ok(undo !== undefined, 'no success');
  assert.ok(
    ours() <= before + regions * mostMappings,
    `${ours() - before} mappings more after ${refusals} refusals`,
  );
  return refusals;
}

/** Objects that prevent V8 from releasing pages. */
const remains: unknown[] = [];

/** Frees space on V8's pages without releasing them: V8 retains a page while an object is on it. */
function freeHeapSpace(): void {
  remains.length = 0;
  globalThis.gc?.();
  // Each with its own shape, since V8 allocates shapes in a separate space.
  const made = Array.from({ length: 20_000 }, (_, index) => ({
    [`shape${index}`]: Array.from({ length: 32 }, () => index),
  }));
  // Objects that survive two minor collections are promoted.
  for (let age = 0; age < 2; age++) globalThis.gc?.({ type: 'minor' });
  remains.push(...made.filter((_, index) => index % 16 === 0));
  made.length = 0;
  globalThis.gc?.();
  globalThis.gc?.({ type: 'minor' });
}

/** Runs everything once: V8 allocates memory at the first run. */
function warmUp(): void {
  createTrampoline({ registers: { pc, arg3: 1n } }).close();
  for (const isolated of [false, true]) {
    using table = createTrampolineTable({ registers: ['arg3'], isolated, atomic: true });
    table.addMany({ pc, arg3: 1n }, 10_000);
    freeHeapSpace();
    const limited = fillAddressSpace(0);
    assert.throws(() => table.addMany({ pc, arg3: 1n }, 100_000), TrampfdError);
    limited.remove();
  }
}

stockUp();
if (code === 'ENOMEM') warmUp();
const refusals: Record<string, number> = {};

refusals['single'] = struggle(2, () => {
  const made = createTrampoline({ registers: { pc, arg0: 1n } });
  return () => made.close();
});
for (const options of [{}, { atomic: true }, { isolated: true }, { atomic: true, isolated: true }]) {
  refusals[`table ${JSON.stringify(options)}`] = struggle(options.atomic ? 2 : 1, () => {
    const made = createTrampolineTable({ registers: ['arg0', 'arg1'], ...options });
    return () => made.close();
  });
}

for (const atomic of [false, true]) {
  const table = createTrampolineTable({ registers: ['arg0'], isolated: true, atomic });
  const first = table.add({ pc, arg0: 5n });
  // Until the next trampoline needs another block.
  const addresses = [first];
  const { byteLength } = table;
  while (addresses.length < 10_000) {
    const next = table.add({ pc, arg0: 6n });
    if (table.byteLength !== byteLength) {
      table.delete(next);
      break;
    }
    addresses.push(next);
  }
  const { size } = table;
  refusals[`addMany, atomic ${atomic}`] = struggle((atomic ? 2 : 1) * regionsFor(40_000), () => {
    const many = table.addMany({ pc, arg0: 7n }, 40_000);
    return () => {
      for (const address of many) table.delete(address);
    };
  });
  assert.equal(table.size, size);
  assert.equal(call(first), 5);
  assert.equal(call(addresses.at(-1)!), 6);
  const more = table.add({ pc, arg0: 8n });
  assert.equal(call(more), 8);
  table.close();
}

// Blocks that were mapped before the failure are released.
if (code === 'ENOMEM') {
  for (const atomic of [false, true]) {
    const table = createTrampolineTable({ registers: ['arg0'], atomic });
    const { byteLength } = table;
    freeHeapSpace();
    const limited = fillAddressSpace(2 ** 26);
    limited.yield();
    assert.throws(() => table.addMany({ pc, arg0: 7n }, 4_000_000), TrampfdError);
    limited.remove();
    assert.equal(table.byteLength, byteLength);
    assert.equal(table.addMany({ pc, arg0: 7n }, 10_000).length, 10_000);
    table.close();
  }
}

// Closing needs no resource.
const tables = [false, true].map((isolated) => createTrampolineTable({ registers: ['arg2'], isolated }));
for (const table of tables) table.add({ pc, arg2: 1n });
freeHeapSpace();
const obstacle = fill();
try {
  for (const table of tables) table.close();
} finally {
  obstacle.remove();
}
console.log(JSON.stringify(refusals));
