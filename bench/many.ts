/** Cost of one trampoline or callback among many; each way and number has a process of its own. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import {
  type Contender,
  measureTogether,
  type OnProgress,
  type Row,
  runInterleaved,
  type Subject,
  type Unavailable,
} from './harness.js';
import type { ManyFigures } from './many.child.js';
import { type Library, missing } from './native.js';
import { type PeerName, runPeer, tryPeer, vendorOf } from './peers.js';

const rounds = 3;
const counts = [1e3, 1e5, 1e6] as const;
const program = fileURLToPath(new URL('many.child.js', import.meta.url));

/** The measurements of each way; `id` is part of the row's id. */
const figures = [
  { key: 'time', id: 'time', group: 'time of each, from a cold start', unit: 'ns' },
  { key: 'pss', id: 'own', group: 'memory of each (PSS)', unit: 'bytes' },
  { key: 'resident', id: 'resident', group: 'resident memory of each', unit: 'bytes' },
  { key: 'mappings', id: 'mappings', group: 'mappings of all', unit: '' },
] as const;
type Figures = Pick<ManyFigures, (typeof figures)[number]['key'] | 'made'>;

interface Way {
  readonly name: string;
  readonly title: string;
  readonly vendor?: string;
  /** Ways are compared with those of the same kind. */
  readonly kind: 'Trampolines' | 'Callbacks into JavaScript';
  /** Creates `count` in a process. */
  run(count: number): Figures;
  /** Returns the reason if that is impossible. */
  missing(count: number): string | undefined;
}

const ways: readonly Way[] = [
  trampolines('table', 'table trampoline, add'),
  trampolines('columns', 'table trampoline, addMany'),
  trampolines('atomic', 'table trampoline, atomic'),
  trampolines('slow', 'slow table trampoline'),
  trampolines('single', 'createTrampoline'),
  trampolines('libffi', 'libffi closure', 'libffi'),
  trampolines('libffcall', 'libffcall callback', 'libffcall'),
  callbacks('trampfd', 'createCallback'),
  callbacks('koffi', 'koffi callback'),
  callbacks('node-ffi', 'node:ffi callback'),
  callbacks('bun', 'Bun JSCallback'),
  callbacks('deno', 'Deno UnsafeCallback'),
];

export const many: Subject = { name: 'many', title: 'Many at once', measure };

function measure(onProgress: OnProgress): Row[] {
  const contenders: Contender[] = [];
  const unavailable: Unavailable[] = [];
  for (const { name, title, kind, run, missing, ...owner } of ways) {
    for (const count of counts) {
      const reason = missing(count);
      const take = measureTogether(() => ({ ...run(count) }));
      for (const { key, id, group, unit } of figures) {
        const row = { id: `many.${name}-${id}-${count}`, title, group: `${kind}: ${group}`, count, ...owner };
        if (reason === undefined) contenders.push({ ...row, unit, round: () => take(key) });
        else unavailable.push({ ...row, missing: reason });
      }
    }
  }
  return [...runInterleaved(contenders, { rounds, warmUp: 0 }, onProgress), ...unavailable];
}

/** Runs many.child.js. */
export function manyInProcess(way: string, count: number, nodeOptions: readonly string[] = []): ManyFigures {
  const args = [...nodeOptions, program, way, String(count)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as ManyFigures;
}

function trampolines(name: string, title: string, library?: Library): Way {
  return {
    name,
    title,
    ...(library === undefined ? {} : { vendor: library }),
    kind: 'Trampolines',
    run: (count) => manyInProcess(name, count),
    missing: () => (library === undefined ? undefined : missing(library)),
  };
}

function callbacks(peer: PeerName, title: string): Way {
  return {
    name: peer,
    title,
    ...vendorOf(peer),
    kind: 'Callbacks into JavaScript',
    run: (count) => runPeer(peer, 'many', String(count)) as unknown as Figures,
    // Limits of peers are below 10,000.
    missing(count) {
      const attempted = Math.min(count, 1e4);
      const result = tryPeer(peer, 'many', String(attempted));
      if (typeof result === 'string') return result;
      const { made } = result as { made: number };
      return made < attempted ? `has at most ${made.toLocaleString('en')}` : undefined;
    },
  };
}
