/** Output of a run in the terminal: progress, tables, targets. */
import type { OnProgress } from './harness.js';
import type { Summary, Table } from './summary.js';
import { resultTable, targetTable } from './tables.js';

/** Moves to the start of the terminal's line and erases it (ECMA-48, EL). */
const eraseLine = '\r\x1b[K';

/** Returns a function that shows the percentage in one line of a terminal. */
export function progressLine(title: string): OnProgress {
  if (!process.stdout.isTTY) return () => {};
  let shown = -1;
  return (done) => {
    const percent = Math.floor(100 * done);
    if (percent === shown) return;
    shown = percent;
    process.stdout.write(percent === 100 ? eraseLine : `${eraseLine}${title}: ${percent} %`);
  };
}

export function printTable(table: Table): void {
  console.log(`\n${table.title}\n\n${resultTable(table, 'terminal')}`);
}

export function printTargets({ targets }: Summary): void {
  if (targets.length > 0) console.log(`\nTargets\n\n${targetTable(targets, 'terminal')}`);
}
