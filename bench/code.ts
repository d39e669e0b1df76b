/** Code and data sizes for every architecture. They are computed, so that no machine of that kind is needed. */
import { dataLayout, type Shape } from '#src/core/shape.js';
import { type BuildCode, builders } from '#src/machine/build/index.js';
import { type Machine, machines } from '#src/machine/index.js';
import type { Figure, Row, Subject } from './harness.js';

/** Numbers of registers that slots load besides the PC. */
const counts = [0, 1, 2, 3, 6, 15];

const groups = {
  instructions: 'Instructions of a slot, by number of registers loaded',
  code: 'Bytes of code of a slot, by number of registers loaded',
  data: 'Bytes of data of a slot, by number of registers loaded',
  shared: 'Bytes of shared code',
} as const;

export const code: Subject = { name: 'code', title: 'Code by architecture', measure };

function measure(): Row[] {
  return Object.entries(machines).flatMap(([name, machine]) => [
    ...counts.flatMap((count) => slotRows(machine, count)),
    ...sharedRows(machine, builders[name]!),
  ]);
}

function slotRows(machine: Machine, count: number): Row[] {
  const shape = shapeWith(machine, count);
  const { bytes, stride } = machine.trampolines.codeImage(shape, 2 ** 16);
  const instructions = machine.disassemble(bytes.subarray(0, stride), 0n);
  const executed = instructions.findIndex(({ noFallthrough }) => noFallthrough) + 1;
  const row = (key: 'instructions' | 'code' | 'data', unit: Figure['unit'], value: number): Row => ({
    ...{ id: `code.${machine.architecture}-${key}-${count}`, title: machine.architecture },
    ...{ group: groups[key], count, unit, samples: [value] },
  });
  return [
    row('instructions', '', executed),
    row('code', 'bytes', stride),
    row('data', 'bytes', dataLayout(shape).stride),
  ];
}

/** Returns the shape that loads the first `count` registers. */
function shapeWith({ registerFile, trampolines }: Machine, count: number): Shape {
  const registers = Object.entries(registerFile.numbers)
    .filter(([name]) => name !== registerFile.aliases.pc)
    .map(([, number]) => number)
    .slice(0, count);
  const shape = { registers, stack: undefined };
  trampolines.assertShape(shape, 'a slot');
  return shape;
}

function sharedRows(machine: Machine, { glue }: BuildCode): Row[] {
  return [
    ['glue', 'FFI glue', glue().bytes.length],
    ['faults', 'fault handler', machine.trampolines.faultHandler(2 ** 16).bytes.length],
    ['resume', 'restore-context stub', machine.trampolines.restoreContext().bytes.length],
  ].map(([name, title, value]) => ({
    ...{ id: `code.${machine.architecture}-${name}`, title: `${title}, ${machine.architecture}` },
    ...{ group: groups.shared, unit: 'bytes', samples: [Number(value)] },
  }));
}
