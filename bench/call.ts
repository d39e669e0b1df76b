/** What a call from JavaScript to C costs, by each way in its own process. */
import {
  type Absent,
  type Contender,
  type Row,
  type Subject,
  type Tell,
  takeTurns,
  together,
} from './harness.js';
import { askPeer, attempt, by, type PeerName, peers } from './peers.js';

const rounds = 5;

const signatures = {
  ints: 'Two integers: int (int, int)',
  doubles: 'Two floating point numbers: double (double, double)',
} as const;
type Key = keyof typeof signatures;

export const call: Subject = { name: 'call', title: 'A call from JavaScript to C', measure };

function measure(tell: Tell): Row[] {
  const contenders: Contender[] = [];
  const absent: Absent[] = [];
  for (const name of Object.keys(peers) as PeerName[]) {
    const told = attempt(name, 'call');
    const take = together(() => askPeer(name, 'call'));
    for (const [key, group] of Object.entries(signatures) as [Key, string][]) {
      const title = name === 'trampfd' ? 'nativeFunction' : peers[name].title;
      const row = { id: `call.${name}-${key}`, title, group, ...by(name) };
      if (typeof told === 'string') absent.push({ ...row, missing: told });
      else contenders.push({ ...row, unit: 'ns', round: () => take(key) });
    }
  }
  return [...takeTurns(contenders, { rounds, warmUp: 0 }, tell), ...absent];
}
