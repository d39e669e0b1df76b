/** What a call from JavaScript to C costs, by each way in its own process. */
import { type Row, type Subject, type Tell, takeTurns } from './harness.js';
import { peerRows } from './peers.js';

const rounds = 9;

const groups = {
  ints: 'Two integers: int (int, int)',
  doubles: 'Two floating point numbers: double (double, double)',
};

export const call: Subject = { name: 'call', title: 'A call from JavaScript to C', measure };

function measure(tell: Tell): Row[] {
  const { contenders, absent } = peerRows('call', { groups, own: 'nativeFunction' });
  return [...takeTurns(contenders, { rounds, warmUp: 0 }, tell), ...absent];
}
