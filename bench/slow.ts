/** What an invocation of a slow trampoline costs, beside the ways that C programs have. */
import { createTrampoline, createTrampolineTable } from 'trampfd';
import {
  type Absent,
  type Contender,
  prove,
  type Row,
  type Subject,
  type Tell,
  takeTurns,
} from './harness.js';
import { instructions, native, Run, sumOf, target, third } from './native.js';

/** A turn is some milliseconds. */
const calls = 1000;
const rounds = 201;

/** Loops of the C side, each of which tells whether there is such a way here. */
const rivals = [
  { name: 'handler', title: "a C program's SIGSEGV handler, sigreturn", through: 'run_fault_handler' },
  { name: 'trap', title: 'a trap in its own code, sigreturn', through: 'run_trap_handler' },
  { name: 'supervised', title: 'a system call that a supervisor answers', through: 'run_supervised' },
];

/** One is the work of two processes; the other blocks the signal by which steps are told. */
const uncountable = ['run_supervised', 'run_trap_handler'];

export const slow: Subject = { name: 'slow', title: 'One invocation without a code page', measure };

function measure(tell: Tell): Row[] {
  const pc = target();
  const registers = { pc, arg2: third };
  const trampoline = createTrampoline({ mode: 'slow', registers });
  const checked = createTrampoline({
    mode: 'slow',
    registers,
    allowedPcs: [pc],
    allowedCallers: [[0n, 2n ** 64n - 1n]],
  });
  const table = createTrampolineTable({ mode: 'slow', registers: ['arg2'] });
  const contenders = [
    loop('trampoline', 'slow trampoline', { call: trampoline.address }),
    loop('checked', 'the same, with allowed PCs and callers', { call: checked.address }),
    loop('table', 'slow table trampoline', { call: table.add(registers) }),
  ];
  const absent: Absent[] = [];
  for (const { name, title, through } of rivals) {
    const errno = native(through)(new Run({ third, count: 0 }));
    if (errno === 0n) contenders.push({ ...loop(name, title, {}, through), by: 'C' });
    else absent.push({ id: `slow.${name}`, title, by: 'C', missing: `is refused here (errno ${errno})` });
  }
  const figures = takeTurns(contenders, { rounds }, tell);
  trampoline.close();
  checked.close();
  table.close();
  return [...figures, ...absent];
}

function loop(name: string, title: string, given: { call?: bigint }, through = 'call_loop'): Contender {
  // Trampolines know the third argument, and the C handlers set it: no caller gives it.
  const told = { ...given, third: given.call === undefined ? third : 0n };
  const run = new Run({ ...told, count: calls });
  const call = native(through);
  const round = (): number => {
    call(run);
    prove(title, run.sum, sumOf(calls));
    run.words[4] = 0n;
    return run.nanoseconds / calls;
  };
  const counted = uncountable.includes(through) ? undefined : instructions(through, told);
  return { id: `slow.${name}`, title, unit: 'ns', instructions: counted, round };
}
