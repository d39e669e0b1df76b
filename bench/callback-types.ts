/** Cost of a call from C to JavaScript, by types of the arguments; each library has a process of its own. */
import { type OnProgress, type Row, runInterleaved, type Subject } from './harness.js';
import { peerRows } from './peers.js';

const rounds = 5;

const groups = {
  sixInts: 'C calls JavaScript: six integers',
  doubles: 'C calls JavaScript: two floating point numbers',
  point: 'C calls JavaScript: a structure, by value',
};

/** The name is part of row ids. */
export const callbackTypes: Subject = {
  name: 'callback',
  title: 'A call from C to JavaScript',
  measure,
};

function measure(onProgress: OnProgress): Row[] {
  const ownTitle = 'createCallback, fiber: true';
  const { contenders, unavailable } = peerRows('callback', { groups, ownTitle });
  return [...runInterleaved(contenders, { rounds, warmUp: 0 }, onProgress), ...unavailable];
}
