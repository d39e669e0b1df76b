/** Cost of a call from JavaScript to C; each library has a process of its own. */
import { type OnProgress, type Row, runInterleaved, type Subject } from './harness.js';
import { peerRows } from './peers.js';

const rounds = 9;

const groups = {
  ints: 'Two integers: int (int, int)',
  doubles: 'Two floating point numbers: double (double, double)',
};

export const call: Subject = { name: 'call', title: 'A call from JavaScript to C', measure };

function measure(onProgress: OnProgress): Row[] {
  const { contenders, unavailable } = peerRows('call', { groups, ownTitle: 'nativeFunction' });
  return [...runInterleaved(contenders, { rounds, warmUp: 0 }, onProgress), ...unavailable];
}
