/** The benchmark's comparisons and documents. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { concatSamples, measureTogether, type Row, runInterleaved } from '../../bench/harness.js';
import { page } from '../../bench/page.js';
import { root } from '../../bench/paths.js';
import { bestOwn, entry, isAhead, ratio, type Summary, summarize, tables } from '../../bench/summary.js';
import { targets } from '../../bench/targets.js';
import { updateFigures } from '../../bench/update-docs.js';

const rows: readonly Row[] = [
  { id: 'a.floor', title: 'nothing', vendor: 'machine', unit: 'ns', samples: [1, 1, 1] },
  { id: 'a.own', title: 'own', unit: 'ns', samples: [4, 5, 6], instructions: 7 },
  { id: 'a.slower', title: 'own, checked', unit: 'ns', samples: [8, 9, 10] },
  { id: 'a.near', title: 'a peer, about the same', vendor: 'peer', unit: 'ns', samples: [4, 4.5, 9] },
  { id: 'a.fast', title: 'a faster peer', vendor: 'peer', unit: 'ns', samples: [2, 3, 4] },
  { id: 'a.bytes', title: 'of another unit', vendor: 'peer', unit: 'bytes', samples: [1] },
  { id: 'a.gone', title: 'not here', vendor: 'peer', missing: 'needs something' },
];

test('a row is ahead if its upper quartile is below the lower quartile of our best row', () => {
  const [table] = tables('A subject', rows.map(entry));
  assert.deepEqual(
    table!.entries.filter((row) => isAhead(table!, row)).map(({ id }) => id),
    ['a.fast'],
  );
  assert.equal(bestOwn(table!, table!.entries[0]!)?.median, 5);
});

test('rows are compared only with rows of the same group and count', () => {
  const own = { id: 'b.own', title: 'own', unit: 'ns' } as const;
  const peer = { id: 'b.peer', title: 'other', vendor: 'peer', unit: 'ns' } as const;
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

test('ratios compare with our best row; tables without other vendors have none', () => {
  const [table] = tables('A subject', rows.map(entry));
  assert.deepEqual(
    table!.entries.map((row) => ratio(table!, row)),
    [0.2, 1, 1.8, 0.9, 0.6, undefined, undefined],
  );
  const [alone] = tables('A subject', rows.slice(1, 3).map(entry));
  assert.deepEqual(
    alone!.entries.map((row) => ratio(alone!, row)),
    [undefined, undefined],
  );
});

test('the page shows quartiles, ratios and rows that are ahead, also in tables by count', () => {
  const row = { unit: 'ns', count: 10, samples: [1, 2, 3] } as const;
  const more: readonly Row[] = [
    { ...row, id: 'b.own-10', title: 'own', samples: [4, 5, 6] },
    { ...row, id: 'b.peer-10', title: 'a peer', vendor: 'peer' },
    { ...row, id: 'b.own-20', title: 'own', count: 20 },
    { id: 'b.peer-20', title: 'a peer', vendor: 'peer', count: 20, missing: 'has at most 10' },
  ];
  const target = { text: 'a target', max: 1, unit: 'ns', reached: 1.5, met: false };
  const subjects = [
    { name: 'a', title: 'A subject', rows },
    { name: 'b', title: 'By number', rows: more },
  ];
  const files = page(summarize(subjects, [target]), ({ title }) => `<svg>${title}</svg>`);
  assert.deepEqual([...files.keys()], ['benchmarks/a.svg', 'benchmarks/b.svg', 'benchmarks.md']);
  assert.equal(files.get('benchmarks/b.svg'), '<svg>By number</svg>');
  const lines = files.get('benchmarks.md')!.split('\n');
  for (const line of [
    '| a target | 1 ns | 1.50 | **missed** by 0.50 |',
    '![A subject](benchmarks/a.svg)',
    '| own | 5.00 ns | 4.50 … 5.50 | 1.00 | 7 | |',
    '| a faster peer | 3.00 ns | 2.50 … 3.50 | 0.60 | | **ahead** |',
    '| not here | – | | | | needs something |',
    '| ns | 10 | 20 | |',
    '| own | 5.00<br><sub>4.50 … 5.50, ratio 1.00</sub> | 2.00<br><sub>1.50 … 2.50, ratio 1.00</sub> | |',
    '| a peer | **2.00 (ahead)**<br><sub>1.50 … 2.50, ratio 0.40</sub> | – | has at most 10 |',
  ])
    assert.ok(lines.includes(line), line);
});

test('results contain medians, instructions, reasons for missing rows, and open targets', () => {
  const target = { text: 'a target', max: 1, unit: 'ns', reached: null, met: null };
  const { subjects, targets } = summarize([{ name: 'a', title: 'A subject', rows }], [target]);
  assert.deepEqual(subjects[0]!.rows[1]!.measured, {
    unit: 'ns',
    rounds: 3,
    q1: 4.5,
    median: 5,
    q3: 5.5,
    instructions: 7,
  });
  assert.equal(subjects[0]!.rows.at(-1)!.missing, 'needs something');
  assert.deepEqual(targets, [target]);
});

test('the results contain every target', () => {
  const { targets: results } = JSON.parse(readFileSync(join(root, 'bench/results.json'), 'utf8')) as Summary;
  assert.deepEqual(
    results.map(({ text, max, unit }) => ({ text, max, unit })),
    targets.map(({ text, max, unit }) => ({ text, max, unit })),
  );
});

test('figures in documents are replaced by those of their rows', () => {
  const measured = (id: string, median: number): Row => ({ id, title: id, unit: 'ns', samples: [median] });
  const absent: Row = { id: 'a.absent', title: 'not here', missing: 'needs something' };
  const rows = [measured('a.short', 3.04), measured('a.long', 268_000), absent];
  const { subjects } = summarize([{ name: 'a', title: 'A subject', rows }], []);
  assert.equal(
    updateFigures('9 ns [`a.short`], 9 ns [`a.long`]; 1 ns has no row', { subjects }),
    '3.0 ns [`a.short`], 270 µs [`a.long`]; 1 ns has no row',
  );
  // Rows that could not be measured leave figures unchanged.
  assert.equal(updateFigures('9 ns [`a.absent`]', { subjects }), '9 ns [`a.absent`]');
  assert.throws(() => updateFigures('9 ns [`a.gone`]', { subjects }), /There is no figure of a\.gone/);
});

test('contenders take turns, each round begins with another one, and blocks are concatSamples', () => {
  const turns: string[] = [];
  const contenders = ['a', 'b', 'c'].map((id) => ({
    ...{ id, title: id, unit: 'ns' as const },
    round: () => turns.push(id),
  }));
  const block = () => runInterleaved(contenders, { rounds: 2, warmUp: 1 }, () => {});
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
  assert.deepEqual(concatSamples([first, block()])[0]!.samples, [6, 8, 15, 17]);
});

test('each figure of a common measurement is used once', () => {
  let times = 0;
  const take = measureTogether(() => ({ time: ++times, bytes: 10 * times }));
  assert.deepEqual(
    [take('time'), take('bytes'), take('bytes'), take('time'), take('time')],
    [1, 10, 20, 2, 3],
  );
  assert.throws(
    () => measureTogether<'time' | 'bytes'>(() => ({ time: 1 }) as never)('bytes'),
    /bytes was not measured/,
  );
});
