/**
 * Draws tables as SVG: bars, or lines where the number of trampolines differs. Colours are variables that follow the
 * reader's light or dark mode.
 */
import { loadModule } from './peers.js';
import { show } from './report.js';
import type { Entry, Measured, Table } from './summary.js';

/** What is used of Plot and of the document that it draws in. Neither is there when this is compiled. */
interface Plot {
  plot(options: object): { outerHTML: string };
  barX: Mark;
  ruleY: Mark;
  text: Mark;
  lineY: Mark;
}
type Mark = (data: readonly Entry[], options: object) => unknown;
interface Dom {
  parseHTML(html: string): { document: unknown };
}

export type Draw = (table: Table) => string;

type Drawn = Entry & { readonly measured: Measured };

const style = `<style>
svg { --own: #2a6fdb; --peer: #6e7781; --machine: #c9d0d9; color: #24292f; background: #ffffff; }
@media (prefers-color-scheme: dark) {
  svg { --own: #6ea8fe; --peer: #7d8590; --machine: #4a525c; color: #e6edf3; background: #0d1117; }
}
</style>`;

/** Loads what draws. Nothing when it is not there. */
export async function drawing(): Promise<Draw | undefined> {
  try {
    const plot = (await loadModule('@observablehq/plot')) as Plot;
    const { document } = ((await loadModule('linkedom')) as Dom).parseHTML('<html></html>');
    return (table) => finished((table.counts.length > 1 ? lines : bars)(plot, document, table));
  } catch {
    return undefined;
  }
}

/** A bar for each entry, with its quartiles as a line. */
function bars(plot: Plot, document: unknown, table: Table): string {
  const drawn = entriesOf(table);
  const medians = drawn.map(({ measured }) => measured.median);
  // Bars of a hundredth of the longest could not be told apart.
  const logarithmic = Math.max(...medians) > 100 * Math.min(...medians) && Math.min(...medians) > 0;
  const unit = drawn[0]!.measured.unit;
  return plot.plot({
    document,
    width: 800,
    marginLeft: 20 + 7.5 * Math.max(...drawn.map(({ title }) => title.length)),
    marginRight: 90,
    style: { fontSize: '13px' },
    x: { label: unit, grid: true, ticks: 6, ...(logarithmic ? { type: 'log', tickFormat: ',' } : {}) },
    y: { label: null, domain: drawn.map(({ title }) => title) },
    marks: [
      plot.barX(drawn, {
        ...(logarithmic ? { x1: Math.min(...medians) / 2, x2: median } : { x: median }),
        y: 'title',
        fill: colour,
      }),
      plot.ruleY(drawn, {
        x1: ({ measured }: Drawn) => measured.q1,
        x2: ({ measured }: Drawn) => measured.q3,
        y: 'title',
        stroke: 'currentColor',
      }),
      plot.text(drawn, {
        x: ({ measured }: Drawn) => Math.max(measured.median, measured.q3),
        y: 'title',
        text: ({ measured }: Drawn) => `${show(measured.median, unit)} ${unit}`,
        textAnchor: 'start',
        dx: 6,
      }),
    ],
  }).outerHTML;
}

/** A line for each title, from few to many, on logarithmic axes. */
function lines(plot: Plot, document: unknown, table: Table): string {
  const drawn = entriesOf(table).filter(({ measured }) => measured.median > 0);
  const unit = drawn[0]!.measured.unit;
  const height = 460;
  return plot.plot({
    document,
    width: 800,
    height,
    marginLeft: 70,
    marginRight: 220,
    style: { fontSize: '13px' },
    x: { type: 'log', label: 'how many', ticks: table.counts, tickFormat: 's' },
    y: { type: 'log', label: unit || 'number', grid: true, ticks: 6, tickFormat: ',' },
    marks: [
      plot.lineY(drawn, {
        x: 'count',
        y: median,
        z: 'title',
        stroke: colour,
        strokeWidth: 2,
        marker: 'dot',
      }),
      plot.text(labels(drawn, height), {
        x: 'count',
        y: 'at',
        text: 'title',
        fill: colour,
        textAnchor: 'start',
        dx: 10,
      }),
    ],
  }).outerHTML;
}

/** Where the names of lines stand: at the last point of each, moved down as far as the name above it needs. */
function labels(drawn: readonly Drawn[], height: number): (Drawn & { readonly at: number })[] {
  const logarithms = drawn.map(({ measured }) => Math.log(measured.median));
  // A name takes 16 points of what the axis has, which is the height less its margins.
  const gap = ((Math.max(...logarithms) - Math.min(...logarithms)) * 16) / (height - 50);
  const last = drawn.filter(({ title, count }) =>
    drawn.every((one) => one.title !== title || one.count! <= count!),
  );
  let above = Number.POSITIVE_INFINITY;
  return last
    .toSorted((a, b) => b.measured.median - a.measured.median)
    .map((entry) => {
      above = Math.min(Math.log(entry.measured.median), above - gap);
      return { ...entry, at: Math.exp(above) };
    });
}

function entriesOf({ entries }: Table): Drawn[] {
  return entries.filter((entry): entry is Drawn => entry.measured !== undefined);
}

function median({ measured }: Drawn): number {
  return measured.median;
}

function colour({ by }: Entry): string {
  return `var(--${by === undefined ? 'own' : by === 'machine' ? 'machine' : 'peer'})`;
}

/** A file of its own, with a style of its own. */
function finished(svg: string): string {
  return `${svg.replace('<svg ', '<svg xmlns="http://www.w3.org/2000/svg" ').replace('>', `>${style}`)}\n`;
}
