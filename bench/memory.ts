/** A million live trampolines: time, memory and mappings, each in a process of its own. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Contender, type Row, type Subject, type Tell, takeTurns, together } from './harness.js';
import type { Million, Way } from './million.js';

const rounds = 9;
const program = fileURLToPath(new URL('million.js', import.meta.url));

const groups = {
  milliseconds: 'Time that a million takes, from a cold start',
  bytes: 'Memory of each, with all bookkeeping',
  mappings: 'Mappings of a million',
} as const satisfies Record<keyof Million, string>;
const units = { milliseconds: 'ms', bytes: 'bytes', mappings: '' } as const;

const ways: readonly Way[] = ['add', 'addMany', 'weigh', 'weighAtomic', 'weighSlow'];

export const memory: Subject = { name: 'memory', title: 'A million live trampolines', measure };

function measure(tell: Tell): Row[] {
  // One process measures several figures.
  const processes = new Map(ways.map((way) => [way, together(() => inProcess(way))]));
  const of = (way: Way, name: string, title: string, key: keyof Million): Contender => {
    const row = { id: `memory.${name}`, title, group: groups[key], unit: units[key] };
    return { ...row, round: () => processes.get(way)!(key) };
  };
  return takeTurns(
    [
      of('add', 'add', 'one by one with add', 'milliseconds'),
      of('addMany', 'addMany', 'by column with addMany', 'milliseconds'),
      of('weigh', 'bytes', 'table', 'bytes'),
      of('weigh', 'mappings', 'table', 'mappings'),
      of('weighSlow', 'slow-bytes', 'slow table', 'bytes'),
      of('weighSlow', 'slow-mappings', 'slow table, of its addresses', 'mappings'),
      of('weighAtomic', 'atomic-bytes', 'atomic table', 'bytes'),
      of('weighAtomic', 'atomic-mappings', 'atomic table', 'mappings'),
    ],
    { rounds, warmUp: 0 },
    tell,
  );
}

function inProcess(way: Way): Record<keyof Million, number> {
  const text = execFileSync(process.execPath, ['--expose-gc', program, way], { encoding: 'utf8' });
  return JSON.parse(text) as Record<keyof Million, number>;
}
