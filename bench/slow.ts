/** Cost of an invocation of a slow trampoline, compared with alternatives of C programs. */
import { createTrampoline, createTrampolineTable } from 'trampfd';
import {
  assertResult,
  type Contender,
  type OnProgress,
  type Row,
  runInterleaved,
  type Subject,
  type Unavailable,
} from './harness.js';
import { instructions, native, Run, sumOf, target, third } from './native.js';

/** A turn takes some milliseconds. */
const calls = 1000;
const rounds = 201;

/** C loops, each of which returns an errno if the system does not permit it. */
const rivals = [
  { name: 'handler', title: "a C program's SIGSEGV handler, sigreturn", loopName: 'run_fault_handler' },
  { name: 'trap', title: 'a trap in its own code, sigreturn', loopName: 'run_trap_handler' },
  { name: 'supervised', title: 'a system call handled by a supervisor', loopName: 'run_supervised' },
];

/** The first involves two processes; the other blocks SIGTRAP, which single-stepping needs. */
const uncountable = ['run_supervised', 'run_trap_handler'];

export const slow: Subject = { name: 'slow', title: 'One slow invocation', measure };

function measure(onProgress: OnProgress): Row[] {
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
  const unavailable: Unavailable[] = [];
  for (const { name, title, loopName } of rivals) {
    const errno = native(loopName)(new Run({ third, count: 0 }));
    if (errno === 0n) contenders.push({ ...loop(name, title, {}, loopName), vendor: 'C' });
    else
      unavailable.push({
        id: `slow.${name}`,
        title,
        vendor: 'C',
        missing: `is refused here (errno ${errno})`,
      });
  }
  const figures = runInterleaved(contenders, { rounds }, onProgress);
  trampoline.close();
  checked.close();
  table.close();
  return [...figures, ...unavailable];
}

function loop(name: string, title: string, { call }: { call?: bigint }, loopName = 'call_loop'): Contender {
  // Trampolines load the third argument, and C handlers set it: the caller passes another.
  const parameters = call === undefined ? { third } : { call, third: 0n };
  const run = new Run({ ...parameters, count: calls });
  const invoke = native(loopName);
  const round = (): number => {
    invoke(run);
    assertResult(title, run.sum, sumOf(calls));
    run.words[4] = 0n;
    return run.nanoseconds / calls;
  };
  const counted = uncountable.includes(loopName) ? undefined : instructions(loopName, parameters);
  return { id: `slow.${name}`, title, unit: 'ns', instructions: counted, round };
}
