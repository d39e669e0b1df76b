/** What one trampoline costs when there are many, each way and number in a process of its own. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import {
  type Absent,
  type Contender,
  type Row,
  type Subject,
  type Tell,
  takeTurns,
  together,
} from './harness.js';
import { type Library, missing } from './native.js';
import { askPeer, attempt, by, type PeerName } from './peers.js';

const rounds = 3;
const counts = [1e3, 1e5, 1e6] as const;
const program = fileURLToPath(new URL('many-here.js', import.meta.url));

/** What is measured of each. */
const figures = [
  { key: 'time', group: 'time of each, from a cold start', unit: 'ns' },
  { key: 'own', group: 'memory of each (PSS)', unit: 'bytes' },
  { key: 'resident', group: 'resident memory of each', unit: 'bytes' },
  { key: 'mappings', group: 'mappings of all', unit: '' },
] as const;
type Told = Record<(typeof figures)[number]['key'] | 'made', number>;

interface Way {
  readonly name: string;
  readonly title: string;
  readonly by?: string;
  /** What leads into JavaScript is compared with its like only. */
  readonly kind: 'Trampolines' | 'Callbacks into JavaScript';
  /** Makes so many. */
  run(count: number): Told;
  /** Why that cannot be, if so. */
  missing(count: number): string | undefined;
}

const ways: readonly Way[] = [
  here('table', 'table trampoline, add'),
  here('columns', 'table trampoline, addMany'),
  here('atomic', 'table trampoline, atomic'),
  here('slow', 'slow table trampoline'),
  here('single', 'createTrampoline'),
  here('libffi', 'libffi closure', 'libffi'),
  here('libffcall', 'libffcall callback', 'libffcall'),
  callback('trampfd', 'createCallback'),
  callback('koffi', 'koffi callback'),
  callback('node-ffi', 'node:ffi callback'),
  callback('bun', 'Bun JSCallback'),
  callback('deno', 'Deno UnsafeCallback'),
];

export const many: Subject = { name: 'many', title: 'Many at once', measure };

function measure(tell: Tell): Row[] {
  const contenders: Contender[] = [];
  const absent: Absent[] = [];
  for (const { name, title, kind, run, missing, ...owner } of ways) {
    for (const count of counts) {
      const why = missing(count);
      const take = together(() => run(count));
      for (const { key, group, unit } of figures) {
        const row = {
          id: `many.${name}-${key}-${count}`,
          title,
          group: `${kind}: ${group}`,
          count,
          ...owner,
        };
        if (why === undefined) contenders.push({ ...row, unit, round: () => take(key) });
        else absent.push({ ...row, missing: why });
      }
    }
  }
  return [...takeTurns(contenders, { rounds, warmUp: 0 }, tell), ...absent];
}

function here(name: string, title: string, library?: Library): Way {
  return {
    name,
    title,
    ...(library === undefined ? {} : { by: library }),
    kind: 'Trampolines',
    run: (count) =>
      JSON.parse(
        execFileSync(process.execPath, [program, name, String(count)], { encoding: 'utf8' }),
      ) as Told,
    missing: () => (library === undefined ? undefined : missing(library)),
  };
}

function callback(peer: PeerName, title: string): Way {
  return {
    name: peer,
    title,
    ...by(peer),
    kind: 'Callbacks into JavaScript',
    run: (count) => askPeer(peer, 'many', String(count)) as Told,
    // Found out with a few: caps are lower than what takes long.
    missing(count) {
      const few = Math.min(count, 1e4);
      const told = attempt(peer, 'many', String(few));
      if (typeof told === 'string') return told;
      return told['made']! < few ? `has at most ${told['made']!.toLocaleString('en')}` : undefined;
    },
  };
}
