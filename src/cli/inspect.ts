/** `trampfd inspect PID`: the trampolines of another process. */
import { type Command, InvalidArgumentError } from 'commander';
import { hex } from '../core/bits.js';
import { type InspectedProcess, inspectProcess } from '../trampolines/inspect/inspect.js';
import type { InspectedTable } from '../trampolines/inspect/summarize.js';

export function addInspect(program: Command): void {
  program
    .command('inspect')
    .description('list the trampolines of a process: tables, shapes, counts, names, code')
    .argument('<pid>', 'the process ID', (text) => {
      const pid = Number(text);
      if (!Number.isInteger(pid) || pid < 1) throw new InvalidArgumentError('It must be a process ID.');
      return pid;
    })
    .option('--json', 'print JSON, addresses as hexadecimal strings')
    .action((pid: number, { json }: { json?: boolean }) => {
      const report = inspectProcess(pid);
      console.log(json === true ? asJson(report) : asText(report));
    });
}

function asJson({ pid, tables, names }: InspectedProcess): string {
  const namedAddresses = [...names].map(([address, name]) => ({ address, name }));
  const replacer = (_key: string, value: unknown) => (typeof value === 'bigint' ? hex(value) : value);
  return JSON.stringify({ pid, tables, names: namedAddresses }, replacer, 2);
}

function asText({ pid, tables, names }: InspectedProcess): string {
  const live = tables.reduce((sum, table) => sum + table.live, 0);
  const sections = [`process ${pid}: ${count(live, 'live trampoline')}`];
  for (const table of tables) {
    const lines = [heading(table), `  ${table.live} live, ${table.free} free`];
    for (const address of table.addresses) {
      const name = names.get(address);
      if (name !== undefined) lines.push(`  ${hex(address)} ${name}`);
    }
    if (table.code !== undefined) lines.push(...table.code.split('\n').map((line) => `  ${line}`));
    sections.push(lines.join('\n'));
  }
  return sections.join('\n\n');
}

function heading({ name, kind, type, layout, method, registers, stack }: InspectedTable): string {
  const title = kind === 'single' ? 'single trampolines' : name === undefined ? 'table' : `table "${name}"`;
  if (type === 'handler') return `${title}: save all registers and call (${layout}, ${method})`;
  const loadText = registers.length === 0 ? 'loads only the PC' : `loads ${registers.join(', ')} and the PC`;
  const stackText =
    stack === undefined
      ? ''
      : `, ${stack.size} bytes of stack data at ${stack.offset}${stack.setSp ? ', sets SP' : ''}`;
  return `${title}: ${loadText}${stackText} (${layout}, ${method})`;
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;
