/**
 * Draws tables as SVG: bars, or lines if the rows differ in the number of trampolines. Colours are CSS variables that
 * follow the reader's light or dark mode.
 */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import type { Entry, Measured, Table } from './summary.js';
import { format } from './tables.js';

type MeasuredEntry = Entry & { readonly measured: Measured };

const style = `<style>
svg { --own: #2a6fdb; --peer: #6e7781; --machine: #c9d0d9; color: #24292f; background: #ffffff; }
@media (prefers-color-scheme: dark) {
  svg { --own: #6ea8fe; --peer: #7d8590; --machine: #4a525c; color: #e6edf3; background: #0d1117; }
}
</style>`;

const { document } = parseHTML('<html></html>');
const common = { document, width: 800, style: { fontSize: '13px' } };

export function drawChart(table: Table): string {
  const entries = table.entries.filter((entry): entry is MeasuredEntry => entry.measured !== undefined);
  const svg = Plot.plot(table.counts.length > 1 ? lines(entries, table.counts) : bars(entries));
  return standalone(svg.outerHTML);
}

/** A bar per entry; a line marks its quartiles. */
function bars(entries: readonly MeasuredEntry[]): Plot.PlotOptions {
  const medians = entries.map(median);
  // On a linear axis, bars of a hundredth of the longest are indistinguishable.
  const logarithmic = Math.max(...medians) > 100 * Math.min(...medians) && Math.min(...medians) > 0;
  const unit = entries[0]!.measured.unit;
  return {
    ...common,
    marginLeft: 20 + 7.5 * Math.max(...entries.map(({ title }) => title.length)),
    marginRight: 90,
    x: { label: unit, grid: true, ticks: 6, ...(logarithmic ? { type: 'log', tickFormat: ',' } : {}) },
    y: { label: null, domain: entries.map(({ title }) => title) },
    marks: [
      Plot.barX(entries, {
        ...(logarithmic ? { x1: Math.min(...medians) / 2, x2: median } : { x: median }),
        y: 'title',
        fill: colour,
      }),
      Plot.ruleY(entries, {
        x1: ({ measured }: MeasuredEntry) => measured.q1,
        x2: ({ measured }: MeasuredEntry) => measured.q3,
        y: 'title',
        stroke: 'currentColor',
      }),
      Plot.text(entries, {
        x: ({ measured }: MeasuredEntry) => Math.max(measured.median, measured.q3),
        y: 'title',
        text: ({ measured }: MeasuredEntry) => `${format(measured.median, unit)} ${unit}`,
        textAnchor: 'start',
        dx: 6,
      }),
    ],
  };
}

/** A line per title, on logarithmic axes. */
function lines(entries: readonly MeasuredEntry[], counts: readonly number[]): Plot.PlotOptions {
  const positive = entries.filter(({ measured }) => measured.median > 0);
  const unit = positive[0]!.measured.unit;
  const height = 460;
  return {
    ...common,
    height,
    marginLeft: 70,
    marginRight: 220,
    x: { type: 'log', label: 'how many', ticks: [...counts], tickFormat: 's' },
    y: { type: 'log', label: unit || 'number', grid: true, ticks: 6, tickFormat: ',' },
    marks: [
      Plot.lineY(positive, {
        x: 'count',
        y: median,
        z: 'title',
        stroke: colour,
        strokeWidth: 2,
        marker: 'dot',
      }),
      Plot.text(labels(positive, height), {
        x: 'count',
        y: 'labelAt',
        text: 'title',
        fill: colour,
        textAnchor: 'start',
        dx: 10,
      }),
    ],
  };
}

/** Places the title of each line at its last point, moved down as far as the title above needs. */
function labels(
  entries: readonly MeasuredEntry[],
  height: number,
): (MeasuredEntry & { readonly labelAt: number })[] {
  const logarithms = entries.map(({ measured }) => Math.log(measured.median));
  // A title takes 16 of the axis's points; the axis is the height without margins.
  const gap = ((Math.max(...logarithms) - Math.min(...logarithms)) * 16) / (height - 50);
  const last = entries.filter(({ title, count }) =>
    entries.every((other) => other.title !== title || other.count! <= count!),
  );
  let above = Number.POSITIVE_INFINITY;
  return last
    .toSorted((a, b) => b.measured.median - a.measured.median)
    .map((entry) => {
      above = Math.min(Math.log(entry.measured.median), above - gap);
      return { ...entry, labelAt: Math.exp(above) };
    });
}

function median({ measured }: MeasuredEntry): number {
  return measured.median;
}

function colour({ vendor }: Entry): string {
  return `var(--${vendor === undefined ? 'own' : vendor === 'machine' ? 'machine' : 'peer'})`;
}

/** Adds the namespace and the style that an SVG file needs. */
function standalone(svg: string): string {
  return `${svg.replace('<svg ', '<svg xmlns="http://www.w3.org/2000/svg" ').replace('>', `>${style}`)}\n`;
}
