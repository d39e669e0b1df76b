/** What an invocation costs: all contenders in one C loop, which gives them a wrong third argument. */
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
import { instructions, missing, native, Run, sumOf, target, third } from './native.js';

/** Turns of a quarter of a millisecond: most of them pass before the scheduler thinks of somebody else. */
const calls = 100_000;
const rounds = 1001;

/** Code page methods besides the one that tables take by themselves. */
export const otherMethods = ['template', 'file', 'rwx', 'remap'] as const;

/** Made by functions of the C side. */
const rivals = [
  { name: 'libffi', title: 'libffi closure', by: 'libffi', from: 'libffi', made: 'closure' },
  { name: 'libffcall', title: 'libffcall callback', by: 'libffcall', from: 'libffcall', made: 'callback' },
  {
    name: 'libffcall-trampoline',
    title: 'libffcall trampoline, by a global',
    by: 'libffcall',
    from: 'libffcall',
    made: 'trampoline',
  },
] as const;

export const invoke: Subject = { name: 'invoke', title: 'One invocation, from a loop in C', measure };

function measure(tell: Tell): Row[] {
  const pc = target();
  const plain = createTrampolineTable({ registers: ['arg2'], codeSource: 'memfd' });
  const atomic = createTrampolineTable({ registers: ['arg2'], atomic: true });
  // The table above is by memfd; these are the same by the other methods.
  const byMethod = otherMethods.map((method) => ({
    method,
    table: createTrampolineTable({ registers: ['arg2'], codeSource: method }),
  }));
  const single = createTrampoline({ registers: { pc, arg2: third } });
  const contenders: Contender[] = [
    { ...loop('indirect', 'indirect call, no trampoline', { call: pc, third }), by: 'machine' },
    loop('inline', 'table trampoline', { call: plain.add({ pc, arg2: third }) }),
    loop('atomic', 'table trampoline, atomic', { call: atomic.add({ pc, arg2: third }) }),
    loop('single', 'createTrampoline', { call: single.address }),
    ...byMethod.map(({ method, table }) =>
      loop(method, `table trampoline by ${method}`, { call: table.add({ pc, arg2: third }) }),
    ),
  ];
  const absent: Absent[] = [];

  const gcc = { id: 'invoke.gcc', title: 'GCC nested function, executable stack', by: 'GCC' };
  const errno = native('run_nested')(new Run({ third, count: 1 }));
  if (errno === 0n) contenders.push({ ...loop('gcc', gcc.title, { third }, 'run_nested'), by: gcc.by });
  else absent.push({ ...gcc, missing: `an executable stack is refused (errno ${errno})` });

  for (const { name, title, by, from, made } of rivals) {
    const address = missing(from) === undefined ? native(made, from)(new Run({ third, count: 0 })) : 0n;
    if (address !== 0n) contenders.push({ ...loop(name, title, { call: address }), by });
    else absent.push({ id: `invoke.${name}`, title, by, missing: missing(from) ?? `${by} makes none` });
  }

  const figures = takeTurns(contenders, { rounds }, tell);
  plain.close();
  atomic.close();
  single.close();
  for (const { table } of byMethod) table.close();
  return [...figures, ...absent];
}

export function loop(
  name: string,
  title: string,
  given: { call?: bigint; third?: bigint },
  through = 'call_loop',
): Contender {
  const run = new Run({ ...given, count: calls });
  const call = native(through);
  const round = (): number => {
    call(run);
    prove(title, run.sum, sumOf(calls));
    run.words[4] = 0n;
    return run.nanoseconds / calls;
  };
  return { id: `invoke.${name}`, title, unit: 'ns', instructions: instructions(through, given), round };
}
