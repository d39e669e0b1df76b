/** What it costs to begin: the first callback from a cold start, and the place on the disk. */
import { join } from 'node:path';
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
import { library, root } from './native.js';
import {
  askPeer,
  attempt,
  by,
  missingRuntime,
  peerNames,
  peers,
  type RuntimeName,
  runIn,
  runtimes,
} from './peers.js';
import { sizes } from './sizes.js';

const rounds = 15;
const firstTrampoline = fileURLToPath(new URL('first.js', import.meta.url));
const empty = join(root, 'bench/peers/empty.mjs');

const groups = {
  whole: 'A whole process that makes one and calls it',
  load: 'Loading the library',
  first: 'The first one made and called, once loaded',
} as const;
type Key = keyof typeof groups;

export const start: Subject = { name: 'start', title: 'A cold start', measure };

function measure(tell: Tell): Row[] {
  const contenders: Contender[] = [];
  const absent: Absent[] = [];

  const trampoline = (): Told => JSON.parse(runIn('node', [firstTrampoline, library('calls')])) as Told;
  contenders.push(...contendersOf('trampoline', { title: 'createTrampoline' }, trampoline));
  for (const name of peerNames.filter((name) => name !== 'napi')) {
    const row = { title: name === 'trampfd' ? 'createCallback' : peers[name].title, ...by(name) };
    const told = attempt(name, 'first');
    if (typeof told !== 'string')
      contenders.push(...contendersOf(name, row, () => askPeer(name, 'first') as Told));
    else for (const { key, ...rest } of named(name, row)) absent.push({ ...rest, missing: told });
  }
  for (const name of Object.keys(runtimes) as RuntimeName[]) {
    if (missingRuntime(name) !== undefined) continue;
    const row = {
      id: `start.empty-${name}`,
      title: `${runtimes[name].title}, an empty script`,
      by: 'machine',
    };
    contenders.push({
      ...row,
      group: groups.whole,
      unit: 'ms',
      round: () => timed(() => runIn(name, [empty])).whole,
    });
  }
  return [...takeTurns(contenders, { rounds, warmUp: 1 }, tell), ...absent, ...sizes()];
}

/** What a process tells of itself. */
type Told = Record<Exclude<Key, 'whole'>, number>;

function contendersOf(name: string, row: { title: string; by?: string }, run: () => Told): Contender[] {
  const take = together(() => {
    const { whole, result } = timed(run);
    return { whole, ...result };
  });
  return named(name, row).map(({ key, ...rest }) => ({ ...rest, unit: 'ms', round: () => take(key) }));
}

function named(name: string, row: { title: string; by?: string }) {
  return (Object.keys(groups) as Key[]).map((key) => ({
    key,
    id: `start.${name}-${key}`,
    group: groups[key],
    ...row,
  }));
}

function timed<Result>(run: () => Result): { whole: number; result: Result } {
  const start = performance.now();
  const result = run();
  return { whole: performance.now() - start, result };
}
