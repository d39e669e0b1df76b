/** Cost of a million live trampolines: time, memory and mappings, each way in a process of its own. */
import {
  type Contender,
  measureTogether,
  type OnProgress,
  type Row,
  runInterleaved,
  type Subject,
} from './harness.js';
import { manyInProcess } from './many.js';

const rounds = 9;
const million = 1e6;

const groups = {
  time: 'Time to create a million, from a cold start',
  pss: 'Memory of each, with all bookkeeping',
  mappings: 'Mappings of a million',
} as const;

export const memory: Subject = { name: 'memory', title: 'A million live trampolines', measure };

function measure(onProgress: OnProgress): Row[] {
  const cold = (way: string): (() => number) => {
    return () => (manyInProcess(way, million).time * million) / 1e6;
  };
  const collected = (way: string) =>
    measureTogether(() => ({ ...manyInProcess(way, million, ['--expose-gc']) }));
  const [table, slow, atomic] = [collected('table'), collected('slow'), collected('atomic')];
  return runInterleaved(
    [
      contender('add', 'one by one with add', 'time', cold('table')),
      contender('addMany', 'by column with addMany', 'time', cold('columns')),
      {
        ...contender('stores', 'the same stores to fresh memory, in C', 'time', cold('stores')),
        vendor: 'machine',
      },
      contender('bytes', 'table', 'pss', () => table('pss')),
      contender('mappings', 'table', 'mappings', () => table('mappings')),
      contender('slow-bytes', 'slow table', 'pss', () => slow('pss')),
      contender('slow-mappings', 'slow table, of its addresses', 'mappings', () => slow('addressMappings')),
      contender('atomic-bytes', 'atomic table', 'pss', () => atomic('pss')),
      contender('atomic-mappings', 'atomic table', 'mappings', () => atomic('mappings')),
    ],
    { rounds, warmUp: 0 },
    onProgress,
  );
}

function contender(name: string, title: string, key: keyof typeof groups, round: () => number): Contender {
  const unit = ({ time: 'ms', pss: 'bytes', mappings: '' } as const)[key];
  return { id: `memory.${name}`, title, group: groups[key], unit, round };
}
