/** A million live trampolines: time, memory and mappings, each in a process of its own. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import {
  type Contender,
  type Row,
  type Subject,
  type Tell,
  takeTurns,
  together,
  type Unit,
} from './harness.js';
import type { Million, Way } from './million.js';

const rounds = 9;
const program = fileURLToPath(new URL('million.js', import.meta.url));

const ways: readonly Way[] = ['add', 'addMany', 'weigh', 'weighAtomic', 'weighSlow'];

export const memory: Subject = { name: 'memory', title: 'A million live trampolines', measure };

function measure(tell: Tell): Row[] {
  // One process measures several figures.
  const processes = new Map(ways.map((way) => [way, together(() => inProcess(way))]));
  const of = (way: Way, name: string, title: string, key: keyof Million, unit: Unit): Contender => {
    return { id: `memory.${name}`, title, unit, round: () => processes.get(way)!(key) };
  };
  return takeTurns(
    [
      of('add', 'add', 'made one by one with add, from a cold start', 'milliseconds', 'ms'),
      of('addMany', 'addMany', 'by column with addMany, from a cold start', 'milliseconds', 'ms'),
      of('weigh', 'bytes', 'memory of each, with all bookkeeping', 'bytes', 'bytes'),
      of('weigh', 'mappings', 'mappings of all', 'mappings', ''),
      of('weighSlow', 'slow-bytes', 'memory of each in a slow table', 'bytes', 'bytes'),
      of('weighSlow', 'slow-mappings', 'mappings of their addresses', 'mappings', ''),
      of('weighAtomic', 'atomic-bytes', 'memory of each in an atomic table', 'bytes', 'bytes'),
      of('weighAtomic', 'atomic-mappings', 'mappings of all in an atomic table', 'mappings', ''),
    ],
    { rounds, warmUp: 0 },
    tell,
  );
}

function inProcess(way: Way): Record<keyof Million, number> {
  const text = execFileSync(process.execPath, ['--expose-gc', program, way], { encoding: 'utf8' });
  return JSON.parse(text) as Record<keyof Million, number>;
}
