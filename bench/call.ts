/** Cost of a call from JavaScript to C; each library has a process of its own. */
import {
  type Contender,
  measureTogether,
  type OnProgress,
  type Row,
  runInterleaved,
  type Subject,
} from './harness.js';
import { peerRows, runPeer } from './peers.js';

const rounds = 9;

const groups = {
  ints: 'Two integers: int (int, int)',
  doubles: 'Two floating point numbers: double (double, double)',
  sixInts: 'Six integers: int (int, int, int, int, int, int)',
  pointer: 'A pointer: int (const int *)',
};

export const call: Subject = { name: 'call', title: 'A call from JavaScript to C', measure };

function measure(onProgress: OnProgress): Row[] {
  const { contenders, unavailable } = peerRows('call', { groups, ownTitle: 'nativeFunction' });
  const all = [...fastContenders(), ...contenders];
  return [...runInterleaved(all, { rounds, warmUp: 0 }, onProgress), ...unavailable];
}

function fastContenders(): Contender[] {
  const take = measureTogether(() => runPeer('trampfd', 'call', 'fast'));
  return Object.entries(groups).map(([key, group]) => ({
    id: `call.fast-${key}`,
    title: 'nativeFunction, fast: true',
    group,
    unit: 'ns',
    round: () => take(key),
  }));
}
