/** Writes `docs/benchmarks.md` and its charts. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './paths.js';
import { type Summary, type Table, tables } from './summary.js';
import { resultTable, targetTable } from './tables.js';

const docs = join(root, 'docs');
const folder = 'benchmarks';

export async function writePage(summary: Summary): Promise<void> {
  const { drawChart } = await import('./charts.js');
  const files = page(summary, drawChart);
  rmSync(join(docs, folder), { recursive: true, force: true });
  for (const [name, text] of files) {
    mkdirSync(dirname(join(docs, name)), { recursive: true });
    writeFileSync(join(docs, name), text);
  }
}

/** Returns the page and its charts, by their paths below `docs/`. */
export function page(summary: Summary, drawChart: (table: Table) => string): Map<string, string> {
  const files = new Map<string, string>();
  const sections = summary.subjects.map(({ name, title, rows }) => {
    const parts = tables(title, rows).map((table, index, { length }) => {
      const chart = `${folder}/${length === 1 ? name : `${name}-${index + 1}`}.svg`;
      // A chart of two bars adds nothing to two figures.
      const hasChart = table.entries.filter(({ measured }) => measured !== undefined).length > 2;
      if (hasChart) files.set(chart, drawChart(table));
      return [
        ...(table.title === title ? [] : [`### ${table.title}`]),
        ...(hasChart ? [`![${table.title}](${chart})`] : []),
        resultTable(table, 'page'),
      ].join('\n\n');
    });
    return `## ${title}\n\n${parts.join('\n\n')}`;
  });
  const targets = `## Targets\n\n${targetTable(summary.targets, 'page')}`;
  return files.set(`${folder}.md`, `${[introduction(summary), targets, ...sections].join('\n\n')}\n`);
}

function introduction({ date, system, node }: Summary): string {
  return `# Benchmarks

Written by \`npm run bench\`, on ${date}: ${system}, Node ${node}. All figures are from one run.

Each section is measured in a process of its own. Rows are measured round by round, interleaved, so that other load on
the machine affects all of them. Each loop proves that its work was done: calls return what only the right arguments
yield, and their sum is checked. A figure is the median of all rounds; the quartiles show how much rounds differ. Other
load on the same core can double the time of a call from JavaScript to C, so each of its rounds reports the best of many
runs. *Ratio* compares with the best row of this project in the same table and, if there are several counts, in the same
column. Rows of others are marked as **ahead** if their upper quartile is below the lower quartile of all rows of this
project. *Instructions* are those of one call, including the loop and the called function, counted by single-stepping; a
repeated string instruction counts once per repetition.

In the charts, this project is blue, others are grey, and light grey is a lower bound without trampolines.
\`bench/results.json\` in the repository has all figures.`;
}
