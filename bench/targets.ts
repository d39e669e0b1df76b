/** What this project wants to reach, and whether a run reached it. */
import { compare, type Figure, type Row, spread } from './harness.js';
import { otherMethods } from './invoke.js';
import { crowds } from './make.js';
import { otherPrograms } from './supervised.js';

interface Target {
  readonly text: string;
  readonly most: number;
  readonly unit: string;
  /** What was reached, round by round. */
  readonly reached: (figure: (id: string) => Figure) => readonly number[];
}

const over = (own: string, rival: string): Target['reached'] => {
  return (figure) => compare(figure(own), figure(rival), (a, b) => a - b);
};
const times = (own: string, rival: string): Target['reached'] => {
  return (figure) => compare(figure(own), figure(rival), (a, b) => a / b);
};
const itself = (id: string): Target['reached'] => {
  return (figure) => figure(id).samples;
};

/** Over the best of several rivals. They are measured in processes of their own, so medians are compared. */
const timesBest = (own: string, rivals: readonly string[]): Target['reached'] => {
  const median = (figure: Figure): number =>
    figure.samples.length === 0 ? 0 : spread(figure.samples).median;
  return (figure) => [median(figure(own)) / Math.min(...rivals.map((rival) => median(figure(rival))))];
};
const libraries = ['closure.koffi', 'closure.node-ffi', 'closure.deno'];

const few = `make.live-${crowds[0]}`;
const many = `make.live-${crowds.at(-1)}`;

export const targets: readonly Target[] = [
  {
    text: 'invocation over an indirect call',
    most: 1.5,
    unit: 'ns',
    reached: over('invoke.inline', 'invoke.indirect'),
  },
  { text: 'the same, atomic', most: 1.5, unit: 'ns', reached: over('invoke.atomic', 'invoke.indirect') },
  {
    text: "invocation over GCC's stack trampoline",
    most: 0.5,
    unit: 'ns',
    reached: over('invoke.inline', 'invoke.gcc'),
  },
  { text: 'the same, atomic', most: 0.5, unit: 'ns', reached: over('invoke.atomic', 'invoke.gcc') },
  ...otherMethods.map((method) => ({
    text: `invocation by ${method} over memfd`,
    most: 1.03,
    unit: 'times',
    reached: times(`invoke.${method}`, 'invoke.inline'),
  })),
  {
    text: "slow invocation over C's SIGSEGV handler",
    most: 0.95,
    unit: 'times',
    reached: times('slow.trampoline', 'slow.handler'),
  },
  { text: 'add + remove', most: 120, unit: 'ns', reached: itself(few) },
  // A quarter is what rounds differ by on a quiet machine.
  { text: 'add + remove: 10,000,000 live over 1,000', most: 1.25, unit: 'times', reached: times(many, few) },
  { text: 'a million with add', most: 1000, unit: 'ms', reached: itself('memory.add') },
  { text: 'a million with addMany', most: 300, unit: 'ms', reached: itself('memory.addMany') },
  { text: 'memory of one in a million', most: 24, unit: 'bytes', reached: itself('memory.bytes') },
  { text: 'mappings of a million', most: 199, unit: '', reached: itself('memory.mappings') },
  {
    text: 'memory of a slow one in a million',
    most: 64,
    unit: 'bytes',
    reached: itself('memory.slow-bytes'),
  },
  { text: 'mappings of their addresses', most: 1, unit: '', reached: itself('memory.slow-mappings') },
  ...['inline', 'atomic'].map((own) => ({
    text: `a supervised object's invocation, ${own}`,
    most: 1,
    unit: 'ns',
    reached: over('supervised.object', `supervised.${own}`),
  })),
  ...['create', 'set', 'map', 'live'].map((action) => ({
    text: `${action} over a supervisor in C`,
    most: 3,
    unit: 'times',
    reached: times(`supervised.${action}`, `supervised.${action}-c`),
  })),
  { text: 'slow invocation by ptrace', most: 60_000, unit: 'ns', reached: itself('supervised.slow') },
  {
    text: 'run -- true over true',
    most: 150,
    unit: 'ms',
    reached: over('supervised.true', 'supervised.true-alone'),
  },
  ...otherPrograms.map(({ name }) => ({
    text: `${name} over the same alone`,
    most: 1.03,
    unit: 'times',
    reached: times(`supervised.${name}`, `supervised.${name}-alone`),
  })),
  {
    text: "closure, numbers, fiber: true, over Bun's",
    most: 1.1,
    unit: 'times',
    reached: timesBest('closure.number', ['closure.bun']),
  },
  {
    text: 'closure, numbers, fiber: true, over koffi, node:ffi, Deno',
    most: 0.6,
    unit: 'times',
    reached: timesBest('closure.number', libraries),
  },
  {
    text: 'closure, bigints, fiber: true, over the same',
    most: 0.8,
    unit: 'times',
    reached: timesBest('closure.bigint', libraries),
  },
  {
    text: "closure, from another thread, over koffi's",
    most: 1.2,
    unit: 'times',
    reached: times('closure.relayed', 'closure.relayed-koffi'),
  },
  {
    text: 'making a closure, over the fastest peer',
    most: 0.2,
    unit: 'times',
    reached: timesBest(
      'closure.make',
      ['koffi', 'bun', 'deno', 'node-ffi'].map((name) => `closure.make-${name}`),
    ),
  },
  {
    // As many as a process may have (vm.max_map_count), and the row is there only when all of them were called.
    text: 'mappings of a million closures',
    most: 65_530,
    unit: '',
    reached: itself('many.trampfd-mappings-1000000'),
  },
  {
    text: "nativeFunction, two scalars, over koffi's",
    most: 0.4,
    unit: 'times',
    reached: times('call.trampfd-ints', 'call.koffi-ints'),
  },
];

/** A target and what became of it. `reached` is a median; nothing when its rows are missing. */
export interface Verdict {
  readonly text: string;
  readonly most: number;
  readonly unit: string;
  readonly reached: number | undefined;
  readonly met: boolean | undefined;
}

/** Judges the targets whose rows were measured. */
export function judge(rows: readonly Row[]): Verdict[] {
  const figures = new Map(rows.flatMap((row) => ('samples' in row ? [[row.id, row] as const] : [])));
  const subjects = new Set(rows.map(({ id }) => id.split('.')[0]));
  return targets.flatMap(({ reached: samples, ...target }) => {
    const asked: string[] = [];
    const absent: string[] = [];
    const figure = (id: string): Figure => {
      asked.push(id);
      const found = figures.get(id);
      if (found === undefined) absent.push(id);
      return found ?? { id, title: id, unit: '', samples: [] };
    };
    const values = samples(figure);
    // Subjects that were not asked for have no verdict; rows that could not be measured have an open one.
    if (!asked.every((id) => subjects.has(id.split('.')[0]))) return [];
    const reached = absent.length > 0 ? undefined : spread(values).median;
    return [{ ...target, reached, met: reached === undefined ? undefined : reached <= target.most }];
  });
}
