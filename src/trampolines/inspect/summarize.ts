/** Summarizes the blocks of another process as tables with their live trampolines. */
import type { TrampolineType } from '../../core/shape.js';
import type { BlockLine } from '../debug/registry-schema.js';
import type { RemoteBlock } from './remote-block.js';

/** Trampolines of one table and one shape. */
export interface InspectedTable {
  /** The table's name; `undefined` for a table without a name and for single trampolines. */
  readonly name: string | undefined;
  /** `'single'` for single trampolines, which share their slots. */
  readonly kind: 'table' | 'single';
  readonly layout: 'inline' | 'atomic' | 'slow';
  readonly method: string;
  /** Whether they load registers and jump, or call a handler. */
  readonly type: TrampolineType;
  /** The registers that they load besides the PC. */
  readonly registers: readonly string[];
  readonly stack: { readonly size: number; readonly offset: number; readonly setSp: boolean } | undefined;
  readonly live: number;
  /** Number of free slots. Single trampolines of all shapes share theirs: they are in the row of the first shape. */
  readonly free: number;
  /** Up to 1,000 addresses of live trampolines. */
  readonly addresses: readonly bigint[];
  /** The instructions of the first live trampoline. */
  readonly code: string | undefined;
}

const maxAddresses = 1000;

/** Groups live trampolines by table and shape. The shape of an atomic trampoline is that of its body's block. */
export function summarizeTables(blocks: readonly RemoteBlock[]): InspectedTable[] {
  const blocksByTable = new Map<number, RemoteBlock[]>();
  for (const block of blocks) {
    if (block.line.role === 'body' || block.line.role === 'freed-call') continue;
    const tableBlocks = blocksByTable.get(block.line.table);
    if (tableBlocks === undefined) blocksByTable.set(block.line.table, [block]);
    else tableBlocks.push(block);
  }
  return [...blocksByTable.values()].flatMap((tableBlocks) => summarizeTable(tableBlocks, blocks));
}

function summarizeTable(
  tableBlocks: readonly RemoteBlock[],
  blocks: readonly RemoteBlock[],
): InspectedTable[] {
  const { line } = tableBlocks[0]!;
  const atomic = line.role === 'entry';
  const slotCount = tableBlocks.reduce((sum, block) => sum + block.line.count, 0);
  const summaries = new Map<string, InspectedTable & { live: number; free: number; addresses: bigint[] }>();
  const summaryFor = (
    shape: Pick<BlockLine, 'type' | 'registers' | 'stack'>,
    code: () => string | undefined,
  ) => {
    const key = JSON.stringify([shape.type, shape.registers, shape.stack]);
    let summary = summaries.get(key);
    if (summary === undefined) {
      summary = {
        name: line.name ?? undefined,
        kind: line.shared ? 'single' : 'table',
        layout: line.role === 'slow' ? 'slow' : atomic ? 'atomic' : 'inline',
        method: line.method,
        type: shape.type,
        registers: shape.registers,
        stack: shape.stack ?? undefined,
        live: 0,
        free: 0,
        addresses: [],
        code: code(),
      };
      summaries.set(key, summary);
    }
    return summary;
  };

  let live = 0;
  for (const block of tableBlocks) {
    for (const { address, pc } of block.liveSlots()) {
      const target = blocks.find((candidate) => candidate.containsAddress(pc));
      if (target?.line.role === 'freed-call' || (atomic && target === undefined)) continue;
      const summary = summaryFor(atomic ? target!.line : line, () => {
        if (line.role === 'slow') return undefined;
        const entryCode = block.disassemble(address);
        return atomic ? `${entryCode}\n${target!.disassemble(pc)}` : entryCode;
      });
      summary.live++;
      live++;
      if (summary.addresses.length < maxAddresses) summary.addresses.push(address);
    }
  }
  if (summaries.size === 0) summaryFor(line, () => undefined);
  for (const firstSummary of summaries.values()) {
    firstSummary.free = slotCount - live;
    break;
  }
  return [...summaries.values()];
}
