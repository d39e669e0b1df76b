/** Cost of the first callback after a cold start, and sizes on disk. */
import { join } from 'node:path';
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
import { library } from './native.js';
import { root } from './paths.js';
import {
  missingRuntime,
  peerNames,
  peers,
  type RuntimeName,
  runIn,
  runPeer,
  runtimes,
  tryPeer,
  vendorOf,
} from './peers.js';
import { sizes } from './sizes.js';

const rounds = 15;
const firstTrampoline = fileURLToPath(new URL('start.child.js', import.meta.url));
const empty = join(root, 'bench/peers/empty.mjs');

const groups = {
  whole: 'A process that creates one and calls it',
  load: 'Loading the library',
  first: 'The first one, after loading',
} as const;
type Key = keyof typeof groups;

export const start: Subject = { name: 'start', title: 'A cold start', measure };

function measure(onProgress: OnProgress): Row[] {
  const contenders: Contender[] = [];
  const unavailable: Unavailable[] = [];

  const trampoline = (): ChildFigures =>
    JSON.parse(runIn('node', [firstTrampoline, library('calls')])) as ChildFigures;
  contenders.push(...contendersOf('trampoline', { title: 'createTrampoline' }, trampoline));
  for (const name of peerNames.filter((name) => name !== 'napi')) {
    const row = { title: name === 'trampfd' ? 'createCallback' : peers[name].title, ...vendorOf(name) };
    const result = tryPeer(name, 'first');
    if (typeof result !== 'string')
      contenders.push(...contendersOf(name, row, () => runPeer(name, 'first') as ChildFigures));
    else for (const { key, ...rest } of rowsOf(name, row)) unavailable.push({ ...rest, missing: result });
  }
  for (const name of Object.keys(runtimes) as RuntimeName[]) {
    if (missingRuntime(name) !== undefined) continue;
    const row = {
      id: `start.empty-${name}`,
      title: `${runtimes[name].title}, an empty script`,
      vendor: 'machine',
    };
    contenders.push({
      ...row,
      group: groups.whole,
      unit: 'ms',
      round: () => timed(() => runIn(name, [empty])).whole,
    });
  }
  return [...runInterleaved(contenders, { rounds, warmUp: 1 }, onProgress), ...unavailable, ...sizes()];
}

/** Figures that a process measures of itself. */
type ChildFigures = Record<Exclude<Key, 'whole'>, number>;

function contendersOf(
  name: string,
  row: { title: string; vendor?: string },
  run: () => ChildFigures,
): Contender[] {
  const take = measureTogether(() => {
    const { whole, result } = timed(run);
    return { whole, ...result };
  });
  return rowsOf(name, row).map(({ key, ...rest }) => ({ ...rest, unit: 'ms', round: () => take(key) }));
}

function rowsOf(name: string, row: { title: string; vendor?: string }) {
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
