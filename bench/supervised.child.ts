/**
 * Measures invocations of an object and of table trampolines under a supervisor: a child of supervised.ts. Writes the
 * figures to standard output as JSON.
 */
import { createTrampolineTable } from 'trampfd';
import { createTrampolineObject } from 'trampfd/object';
import { runInterleaved } from './harness.js';
import { loop } from './invoke.js';
import { target, third } from './native.js';

const rounds = 501;

const registers = { pc: target(), arg2: third };
const object = createTrampolineObject();
object.setRegisters(registers);
const inline = createTrampolineTable({ registers: ['arg2'], codeSource: 'memfd' });
const atomic = createTrampolineTable({ registers: ['arg2'], codeSource: 'memfd', atomic: true });
const figures = runInterleaved(
  [
    loop('object', 'a fast object of trampfd_create', { call: object.map().address }),
    loop('inline', 'table trampoline in the same program', { call: inline.add(registers) }),
    loop('atomic', 'the same, atomic', { call: atomic.add(registers) }),
  ],
  { rounds },
  () => {},
);
console.log(
  JSON.stringify(
    figures.map((figure) => ({
      ...figure,
      id: figure.id.replace('invoke', 'supervised'),
      group: "An invocation of a supervised program's object",
    })),
  ),
);
