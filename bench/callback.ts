/** What a call from C to JavaScript costs, by kind of arguments, each way in its own process. */
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

const kinds = {
  sixInts: 'C calls JavaScript: six integers',
  doubles: 'C calls JavaScript: two floating point numbers',
  point: 'C calls JavaScript: a structure, by value',
} as const;
type Kind = keyof typeof kinds;

export const callback: Subject = { name: 'callback', title: 'A call from C to JavaScript', measure };

function measure(tell: Tell): Row[] {
  const contenders: Contender[] = [];
  const absent: Absent[] = [];
  for (const name of (Object.keys(peers) as PeerName[]).filter((name) => name !== 'napi')) {
    const told = attempt(name, 'callback');
    const take = together(() => askPeer(name, 'callback'));
    for (const [kind, group] of Object.entries(kinds) as [Kind, string][]) {
      const title = name === 'trampfd' ? 'createClosure' : peers[name].title;
      const row = { id: `callback.${name}-${kind}`, title, group, ...by(name) };
      const missing = typeof told === 'string' ? told : kind in told ? undefined : 'has no structures';
      if (missing === undefined) contenders.push({ ...row, unit: 'ns', round: () => take(kind) });
      else absent.push({ ...row, missing });
    }
  }
  return [...takeTurns(contenders, { rounds, warmUp: 0 }, tell), ...absent];
}
