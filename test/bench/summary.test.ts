/** What the benchmark says of its figures: who is compared with whom, and who is ahead. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { refreshed } from '../../bench/figures.js';
import { joined, type Row, takeTurns, together } from '../../bench/harness.js';
import { root } from '../../bench/native.js';
import { page } from '../../bench/page.js';
import { bestOwn, entry, isAhead, ratio, type Summary, summarize, tables } from '../../bench/summary.js';
import { targets } from '../../bench/targets.js';

const rows: readonly Row[] = [
  { id: 'a.floor', title: 'nothing', by: 'machine', unit: 'ns', samples: [1, 1, 1] },
  { id: 'a.own', title: 'ours', unit: 'ns', samples: [4, 5, 6], instructions: 7 },
  { id: 'a.slower', title: 'ours, checked', unit: 'ns', samples: [8, 9, 10] },
  { id: 'a.near', title: 'a peer, about the same', by: 'peer', unit: 'ns', samples: [4, 4.5, 9] },
  { id: 'a.fast', title: 'a faster peer', by: 'peer', unit: 'ns', samples: [2, 3, 4] },
  { id: 'a.bytes', title: 'of another unit', by: 'peer', unit: 'bytes', samples: [1] },
  { id: 'a.gone', title: 'not here', by: 'peer', missing: 'needs something' },
];

test('a peer is ahead when most of its rounds are better than most of the best of ours', () => {
  const [table] = tables('A subject', rows.map(entry));
  assert.deepEqual(
    table!.entries.filter((one) => isAhead(table!, one)).map(({ id }) => id),
    ['a.fast'],
  );
  assert.equal(bestOwn(table!, table!.entries[0]!)?.median, 5);
});

test('rows are compared within their group and number only', () => {
  const own = { id: 'b.own', title: 'ours', unit: 'ns' } as const;
  const peer = { id: 'b.peer', title: 'theirs', by: 'peer', unit: 'ns' } as const;
  const [time, memory, ...more] = tables(
    'A subject',
    [
      { ...own, group: 'time', count: 1000, samples: [5] },
      { ...own, group: 'time', count: 10, samples: [1] },
      { ...peer, group: 'time', count: 1000, samples: [4] },
      { ...peer, group: 'time', count: 10, samples: [2] },
      { ...peer, group: 'memory', samples: [1] },
    ].map(entry),
  );
  assert.deepEqual([time?.title, time?.counts, memory?.title, more], ['time', [10, 1000], 'memory', []]);
  assert.deepEqual(
    time?.entries.map((one) => isAhead(time, one)),
    [false, false, true, false],
  );
  assert.equal(isAhead(memory!, memory!.entries[0]!), false);
});

test('ratios are those to the best of ours, where others are there to be compared with', () => {
  const [table] = tables('A subject', rows.map(entry));
  assert.deepEqual(
    table!.entries.map((one) => ratio(table!, one)),
    [0.2, 1, 1.8, 0.9, 0.6, undefined, undefined],
  );
  const [alone] = tables('A subject', rows.slice(1, 3).map(entry));
  assert.deepEqual(
    alone!.entries.map((one) => ratio(alone!, one)),
    [undefined, undefined],
  );
});

test('the page shows quartiles, ratios and who is ahead, also in tables by number', () => {
  const row = { unit: 'ns', count: 10, samples: [1, 2, 3] } as const;
  const more: readonly Row[] = [
    { ...row, id: 'b.own-10', title: 'ours', samples: [4, 5, 6] },
    { ...row, id: 'b.peer-10', title: 'a peer', by: 'peer' },
    { ...row, id: 'b.own-20', title: 'ours', count: 20 },
    { id: 'b.peer-20', title: 'a peer', by: 'peer', count: 20, missing: 'has at most 10' },
  ];
  const verdict = { text: 'a target', most: 1, unit: 'ns', reached: 1.5, met: false };
  const subjects = [
    { name: 'a', title: 'A subject', rows },
    { name: 'b', title: 'By number', rows: more },
  ];
  const files = page(summarize(subjects, [verdict]), ({ title }) => `<svg>${title}</svg>`);
  assert.deepEqual([...files.keys()], ['benchmarks/a.svg', 'benchmarks/b.svg', 'benchmarks.md']);
  assert.equal(files.get('benchmarks/b.svg'), '<svg>By number</svg>');
  const lines = files.get('benchmarks.md')!.split('\n');
  for (const line of [
    '| a target | 1 ns | 1.50 | **missed** by 0.50 |',
    '![A subject](benchmarks/a.svg)',
    '| ours | 5.00 ns | 4.50 … 5.50 | 1.00 | 7 |  |',
    '| a faster peer | 3.00 ns | 2.50 … 3.50 | 0.60 |  | **ahead** |',
    '| not here | – |  |  |  | needs something |',
    '| ns | 10 | 20 |  |',
    '| ours | 5.00<br><sub>4.50 … 5.50, ratio 1.00</sub> | 2.00<br><sub>1.50 … 2.50, ratio 1.00</sub> |  |',
    '| a peer | **2.00 (ahead)**<br><sub>1.50 … 2.50, ratio 0.40</sub> | – | has at most 10 |',
  ])
    assert.ok(lines.includes(line), line);
});

test('results keep medians, instructions, what was missing, and open verdicts', () => {
  const verdict = { text: 'a target', most: 1, unit: 'ns', reached: undefined, met: undefined };
  const { subjects, targets } = summarize([{ name: 'a', title: 'A subject', rows }], [verdict]);
  assert.deepEqual(subjects[0]!.rows[1]!.measured, {
    unit: 'ns',
    rounds: 3,
    q1: 4.5,
    median: 5,
    q3: 5.5,
    instructions: 7,
  });
  assert.equal(subjects[0]!.rows.at(-1)!.missing, 'needs something');
  assert.deepEqual(targets, [{ ...verdict, reached: null, met: null }]);
});

test('the results have a verdict on each target', () => {
  const { targets: judged } = JSON.parse(readFileSync(join(root, 'bench/results.json'), 'utf8')) as Summary;
  assert.deepEqual(
    judged.map(({ text, most, unit }) => ({ text, most, unit })),
    targets.map(({ text, most, unit }) => ({ text, most, unit })),
  );
});

test('figures in documents are those of their rows', () => {
  const found = (id: string, median: number): Row => ({ id, title: id, unit: 'ns', samples: [median] });
  const absent: Row = { id: 'a.absent', title: 'not here', missing: 'needs something' };
  const rows = [found('a.short', 3.04), found('a.long', 268_000), absent];
  const { subjects } = summarize([{ name: 'a', title: 'A subject', rows }], []);
  assert.equal(
    refreshed("9 ns [`a.short`], 9 ns [`a.long`]; 1 ns is nobody's", { subjects }),
    "3.0 ns [`a.short`], 270 µs [`a.long`]; 1 ns is nobody's",
  );
  // Nothing better is known.
  assert.equal(refreshed('9 ns [`a.absent`]', { subjects }), '9 ns [`a.absent`]');
  assert.throws(() => refreshed('9 ns [`a.gone`]', { subjects }), /There is no figure of a\.gone/);
});

test('contenders take turns, each round begins with another one, and blocks are joined', () => {
  const turns: string[] = [];
  const contenders = ['a', 'b', 'c'].map((id) => ({
    ...{ id, title: id, unit: 'ns' as const },
    round: () => turns.push(id),
  }));
  const block = () => takeTurns(contenders, { rounds: 2, warmUp: 1 }, () => {});
  const first = block();
  assert.equal(turns.join(''), 'abcbcacab');
  assert.deepEqual(
    first.map(({ id, samples }) => [id, ...samples]),
    [
      ['a', 6, 8],
      ['b', 4, 9],
      ['c', 5, 7],
    ],
  );
  assert.deepEqual(joined([first, block()])[0]!.samples, [6, 8, 15, 17]);
});

test('figures that are measured together are each used once', () => {
  let times = 0;
  const take = together(() => ({ time: ++times, bytes: 10 * times }));
  assert.deepEqual(
    [take('time'), take('bytes'), take('bytes'), take('time'), take('time')],
    [1, 10, 20, 2, 3],
  );
  assert.throws(
    () => together<'time' | 'bytes'>(() => ({ time: 1 }) as never)('bytes'),
    /bytes was not measured/,
  );
});
