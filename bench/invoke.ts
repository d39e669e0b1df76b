/** Cost of an invocation from a C loop, which passes a wrong third argument to all contenders. */
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
import { instructions, missing, native, Run, sumOf, target, third } from './native.js';
import { otherMethods } from './variants.js';

/** A turn takes a quarter of a millisecond: most turns end before the scheduler switches to another thread. */
const calls = 100_000;
const rounds = 1001;

/** Created by C functions. */
const rivals = [
  { name: 'libffi', title: 'libffi closure', vendor: 'libffi', library: 'libffi', create: 'closure' },
  {
    name: 'libffcall',
    title: 'libffcall callback',
    vendor: 'libffcall',
    library: 'libffcall',
    create: 'callback',
  },
  {
    name: 'libffcall-trampoline',
    title: 'libffcall trampoline, by a global',
    vendor: 'libffcall',
    library: 'libffcall',
    create: 'trampoline',
  },
] as const;

export const invoke: Subject = { name: 'invoke', title: 'One invocation, from a loop in C', measure };

function measure(onProgress: OnProgress): Row[] {
  const pc = target();
  const plain = createTrampolineTable({ registers: ['arg2'], codeSource: 'memfd' });
  const atomic = createTrampolineTable({ registers: ['arg2'], atomic: true });
  const byMethod = otherMethods.map((method) => ({
    method,
    table: createTrampolineTable({ registers: ['arg2'], codeSource: method }),
  }));
  const single = createTrampoline({ registers: { pc, arg2: third } });
  const contenders: Contender[] = [
    { ...loop('indirect', 'indirect call, no trampoline', { call: pc, third }), vendor: 'machine' },
    loop('inline', 'table trampoline', { call: plain.add({ pc, arg2: third }) }),
    loop('atomic', 'table trampoline, atomic', { call: atomic.add({ pc, arg2: third }) }),
    loop('single', 'createTrampoline', { call: single.address }),
    ...byMethod.map(({ method, table }) =>
      loop(method, `table trampoline by ${method}`, { call: table.add({ pc, arg2: third }) }),
    ),
  ];
  const unavailable: Unavailable[] = [];

  const gcc = { id: 'invoke.gcc', title: 'GCC nested function, executable stack', vendor: 'GCC' };
  const errno = native('run_nested')(new Run({ third, count: 1 }));
  if (errno === 0n)
    contenders.push({ ...loop('gcc', gcc.title, { third }, 'run_nested'), vendor: gcc.vendor });
  else unavailable.push({ ...gcc, missing: `an executable stack is refused (errno ${errno})` });

  for (const { name, title, vendor, library, create } of rivals) {
    const run = new Run({ third, count: 0 });
    const address = missing(library) === undefined ? native(create, library)(run) : 0n;
    if (address !== 0n) contenders.push({ ...loop(name, title, { call: address }), vendor });
    else
      unavailable.push({
        id: `invoke.${name}`,
        title,
        vendor,
        missing: missing(library) ?? `${vendor} failed`,
      });
  }

  const figures = runInterleaved(contenders, { rounds }, onProgress);
  plain.close();
  atomic.close();
  single.close();
  for (const { table } of byMethod) table.close();
  return [...figures, ...unavailable];
}

export function loop(
  name: string,
  title: string,
  parameters: { call?: bigint; third?: bigint },
  loopName = 'call_loop',
): Contender {
  const run = new Run({ ...parameters, count: calls });
  const call = native(loopName);
  const round = (): number => {
    call(run);
    assertResult(title, run.sum, sumOf(calls));
    run.words[4] = 0n;
    return run.nanoseconds / calls;
  };
  return { id: `invoke.${name}`, title, unit: 'ns', instructions: instructions(loopName, parameters), round };
}
