/** Targets of this project, and which of them a run reached. */
import { compare, type Figure, type Row, spread, type TargetResult } from './harness.js';
import { liveCounts, otherMethods, otherPrograms } from './variants.js';

interface Target {
  readonly text: string;
  readonly max: number;
  readonly unit: string;
  /** Returns the value of each round, or of the run. */
  readonly values: (figure: (id: string) => Figure) => readonly number[];
}

const difference = (own: string, rival: string): Target['values'] => {
  return (figure) => compare(figure(own), figure(rival), (a, b) => a - b);
};
const quotient = (own: string, rival: string): Target['values'] => {
  return (figure) => compare(figure(own), figure(rival), (a, b) => a / b);
};
const figureOf = (id: string): Target['values'] => {
  return (figure) => figure(id).samples;
};

/** Divides by the best of several rivals. Those run in other processes, so medians are compared. */
const quotientOfBest = (own: string, rivals: readonly string[]): Target['values'] => {
  const median = (figure: Figure): number =>
    figure.samples.length === 0 ? 0 : spread(figure.samples).median;
  return (figure) => [median(figure(own)) / Math.min(...rivals.map((rival) => median(figure(rival))))];
};
const libraries = ['closure.koffi', 'closure.node-ffi', 'closure.deno'];

const emptyScript = 'start.empty-node';

const few = `make.live-${liveCounts[0]}`;
const many = `make.live-${liveCounts.at(-1)}`;

export const targets: readonly Target[] = [
  {
    text: 'invocation over an indirect call',
    max: 1.5,
    unit: 'ns',
    values: difference('invoke.inline', 'invoke.indirect'),
  },
  { text: 'the same, atomic', max: 1.5, unit: 'ns', values: difference('invoke.atomic', 'invoke.indirect') },
  {
    text: "invocation over GCC's stack trampoline",
    max: 0.5,
    unit: 'ns',
    values: difference('invoke.inline', 'invoke.gcc'),
  },
  { text: 'the same, atomic', max: 0.5, unit: 'ns', values: difference('invoke.atomic', 'invoke.gcc') },
  ...otherMethods.map((method) => ({
    text: `invocation by ${method} over memfd`,
    max: 1.03,
    unit: 'times',
    values: quotient(`invoke.${method}`, 'invoke.inline'),
  })),
  {
    text: "slow invocation over C's SIGSEGV handler",
    max: 0.95,
    unit: 'times',
    values: quotient('slow.trampoline', 'slow.handler'),
  },
  { text: 'add + delete', max: 120, unit: 'ns', values: figureOf(few) },
  // On an idle machine, rounds differ by up to a quarter.
  { text: 'add + delete: 10,000,000 live over 1,000', max: 1.25, unit: 'times', values: quotient(many, few) },
  {
    text: 'add + delete over libffi in C',
    max: 1.5,
    unit: 'times',
    values: quotient(few, 'make.libffi'),
  },
  {
    text: 'createTrampoline + close over libffi in C',
    max: 20,
    unit: 'times',
    values: quotient('make.single', 'make.libffi'),
  },
  { text: 'a million with add', max: 1000, unit: 'ms', values: figureOf('memory.add') },
  { text: 'a million with addMany', max: 300, unit: 'ms', values: figureOf('memory.addMany') },
  {
    text: 'a million with addMany over the same stores in C',
    max: 1.5,
    unit: 'times',
    values: quotient('memory.addMany', 'memory.stores'),
  },
  { text: 'memory of one in a million', max: 24, unit: 'bytes', values: figureOf('memory.bytes') },
  { text: 'mappings of a million', max: 199, unit: '', values: figureOf('memory.mappings') },
  {
    text: 'memory of a slow one in a million',
    max: 64,
    unit: 'bytes',
    values: figureOf('memory.slow-bytes'),
  },
  { text: 'mappings of their addresses', max: 1, unit: '', values: figureOf('memory.slow-mappings') },
  ...['inline', 'atomic'].map((own) => ({
    text: `a supervised object's invocation, ${own}`,
    max: 1,
    unit: 'ns',
    values: difference('supervised.object', `supervised.${own}`),
  })),
  ...['create', 'set', 'map', 'live'].map((action) => ({
    text: `${action} over a supervisor in C`,
    max: 3,
    unit: 'times',
    values: quotient(`supervised.${action}`, `supervised.${action}-c`),
  })),
  { text: 'slow invocation by ptrace', max: 60_000, unit: 'ns', values: figureOf('supervised.slow') },
  {
    text: 'run -- true over true',
    max: 150,
    unit: 'ms',
    values: difference('supervised.true', 'supervised.true-alone'),
  },
  ...otherPrograms.map(({ name }) => ({
    text: `${name} over the same alone`,
    max: 1.03,
    unit: 'times',
    values: quotient(`supervised.${name}`, `supervised.${name}-alone`),
  })),
  {
    text: "callback, numbers, fiber: true, over Bun's",
    max: 0.75,
    unit: 'times',
    values: quotientOfBest('closure.number', ['closure.bun']),
  },
  {
    text: "callback, numbers, on the thread's stack, over Bun's",
    max: 1.3,
    unit: 'times',
    values: quotientOfBest('closure.number-thread', ['closure.bun']),
  },
  {
    text: 'callback, numbers, fiber: true, over koffi, node:ffi, Deno',
    max: 0.6,
    unit: 'times',
    values: quotientOfBest('closure.number', libraries),
  },
  {
    text: 'callback, bigints, fiber: true, over the same',
    max: 0.8,
    unit: 'times',
    values: quotientOfBest('closure.bigint', libraries),
  },
  {
    text: "callback from another thread, over koffi's",
    max: 1.2,
    unit: 'times',
    values: quotient('closure.relayed', 'closure.relayed-koffi'),
  },
  {
    text: 'createCallback + close, over the fastest library',
    max: 0.2,
    unit: 'times',
    values: quotientOfBest(
      'closure.make',
      ['koffi', 'bun', 'deno', 'node-ffi'].map((name) => `closure.make-${name}`),
    ),
  },
  {
    // The default of vm.max_map_count. The row exists only if all callbacks were called.
    text: 'mappings of a million callbacks',
    max: 65_530,
    unit: '',
    values: figureOf('many.trampfd-mappings-1000000'),
  },
  {
    text: '1,000 callbacks from a cold start, over koffi',
    max: 1,
    unit: 'times',
    values: quotient('many.trampfd-time-1000', 'many.koffi-time-1000'),
  },
  {
    text: 'import over that of koffi',
    max: 0.5,
    unit: 'times',
    values: quotient('start.trampfd-load', 'start.koffi-load'),
  },
  { text: 'first trampoline', max: 1, unit: 'ms', values: figureOf('start.trampoline-first') },
  { text: 'first callback', max: 2, unit: 'ms', values: figureOf('start.trampfd-first') },
  {
    text: 'a process with one callback, over an empty script',
    max: 12,
    unit: 'ms',
    values: difference('start.trampfd-whole', emptyScript),
  },
  {
    text: 'the same addition over that of koffi',
    max: 0.5,
    unit: 'times',
    values: (figure) => {
      const own = difference('start.trampfd-whole', emptyScript)(figure);
      const koffi = difference('start.koffi-whole', emptyScript)(figure);
      return own.map((addition, round) => addition / koffi[round]!);
    },
  },
  { text: 'unpacked size', max: 2.5, unit: 'MB', values: figureOf('start.size-trampfd') },
  ...[
    { text: 'two ints', key: 'ints', koffi: 0.28 },
    { text: 'six ints', key: 'sixInts', koffi: 0.35 },
  ].map(({ text, key, koffi }) => ({
    text: `nativeFunction, ${text}, over koffi's`,
    max: koffi,
    unit: 'times',
    values: quotient(`call.trampfd-${key}`, `call.koffi-${key}`),
  })),
  ...['ints', 'doubles', 'sixInts', 'pointer'].flatMap((key) => [
    {
      text: `fast: true, ${key}, over Deno's`,
      max: 1.1,
      unit: 'times',
      values: quotient(`call.fast-${key}`, `call.deno-${key}`),
    },
    {
      text: `fast: true, ${key}, over Bun's`,
      max: 2,
      unit: 'times',
      values: quotient(`call.fast-${key}`, `call.bun-${key}`),
    },
  ]),
];

/** Evaluates the targets whose rows were measured. */
export function evaluateTargets(rows: readonly Row[]): TargetResult[] {
  const figures = new Map(rows.flatMap((row) => ('samples' in row ? [[row.id, row] as const] : [])));
  const subjects = new Set(rows.map(({ id }) => id.split('.')[0]));
  return targets.flatMap(({ values, ...target }): TargetResult[] => {
    const used: string[] = [];
    const absent: string[] = [];
    const figure = (id: string): Figure => {
      used.push(id);
      const row = figures.get(id);
      if (row === undefined) absent.push(id);
      return row ?? { id, title: id, unit: '', samples: [] };
    };
    const samples = values(figure);
    // Targets of subjects outside of this run are left out; those of rows that could not be measured stay open.
    if (!used.every((id) => subjects.has(id.split('.')[0]))) return [];
    if (absent.length > 0) return [{ ...target, reached: null, met: null }];
    const reached = spread(samples).median;
    return [{ ...target, reached, met: reached <= target.max }];
  });
}
