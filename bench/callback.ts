/** What a call from C to JavaScript costs, by kind of arguments, each way in its own process. */
import { type Row, type Subject, type Tell, takeTurns } from './harness.js';
import { peerRows } from './peers.js';

const rounds = 5;

const groups = {
  sixInts: 'C calls JavaScript: six integers',
  doubles: 'C calls JavaScript: two floating point numbers',
  point: 'C calls JavaScript: a structure, by value',
};

export const callback: Subject = { name: 'callback', title: 'A call from C to JavaScript', measure };

function measure(tell: Tell): Row[] {
  const { contenders, absent } = peerRows('callback', { groups, own: 'createCallback, fiber: true' });
  return [...takeTurns(contenders, { rounds, warmUp: 0 }, tell), ...absent];
}
