/**
 * Looks at the trampolines of another process, through what it lists in its registry and what stands in its
 * memory. It needs the right to read that memory: the same user and no `PR_SET_DUMPABLE=0`, or `CAP_SYS_PTRACE`.
 *
 * **Limitation**: the other process may write at the same moment; what is told can be a moment old.
 */
import { closeSync, existsSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { regionAlignment } from '../../codepage/regions.js';
import { TrampfdError } from '../../core/errors.js';
import type { TrampolineType } from '../../core/shape.js';
import { integerInRange } from '../../core/validate.js';
import { mappings } from '../../linux/process/proc-maps.js';
import { readMemory } from '../../linux/process/proc-mem.js';
import { fromNodeError } from '../../native/errno.js';
import { disassembleCode } from '../debug/disassembly.js';
import { readAll } from '../debug/line-file.js';
import { registryPathPattern } from '../debug/registry.js';
import { type BlockLine, type NameLine, registryLine } from '../debug/registry-schema.js';

/** Trampolines of one table and one shape. */
export interface InspectedTable {
  /** The table's name; `undefined` for a table without one and for single trampolines. */
  readonly name: string | undefined;
  /** Single trampolines are told apart from tables: they share their slots. */
  readonly kind: 'table' | 'single';
  readonly layout: 'inline' | 'atomic' | 'slow';
  readonly method: string;
  /** What they do: load registers and jump, or call a handler. */
  readonly type: TrampolineType;
  /** The registers that are loaded besides the PC. */
  readonly registers: readonly string[];
  readonly stack: { readonly size: number; readonly offset: number; readonly setSp: boolean } | undefined;
  readonly live: number;
  /** Slots that stand ready. Single trampolines of all shapes share theirs; the first shape's row counts them. */
  readonly free: number;
  /** Up to 1,000 addresses of live trampolines. */
  readonly addresses: readonly bigint[];
  /** The instructions of the first live trampoline. */
  readonly code: string | undefined;
}

export interface InspectedProcess {
  readonly pid: number;
  readonly tables: readonly InspectedTable[];
  /** Trampolines that have names of their own. */
  readonly names: ReadonlyMap<bigint, string>;
}

const maxAddresses = 1000;

/** Of a registry: more than a program with a name for every one of a million trampolines has. */
const maxRegistryBytes = 2 ** 28;

/** Bytes from one trampoline to the next: no kind has less. */
const minStride = 8;

/** @throws TrampfdError when there is no such process, it may not be read, or has no trampolines of ours */
export function inspectProcess(pid: number): InspectedProcess {
  integerInRange(pid, 'pid', { min: 1, max: 2 ** 31 - 1 });
  if (!existsSync(`/proc/${pid}`)) {
    throw new TrampfdError(`Cannot inspect process ${pid}: there is no such process`, { code: 'ESRCH' });
  }
  const registries = readRegistries(pid);
  if (registries.length === 0) {
    throw new TrampfdError(`Cannot inspect process ${pid}: it has made no trampolines`, {
      code: 'ERR_NOT_FOUND',
    });
  }
  const executable = mappings(pid).filter((mapping) => mapping.executable);
  const names = new Map<bigint, string>();
  const tables = registries.flatMap((registryLines) => {
    for (const line of registryLines) if (line.kind === 'name') names.set(BigInt(line.address), line.name);
    const blocks = registryLines
      .filter((line) => line.kind === 'block')
      .filter(({ role, code, codeLength }) => {
        const [codeStart, codeEnd] = [BigInt(code), BigInt(code) + BigInt(codeLength)];
        return role === 'slow' || executable.some(({ start, end }) => start <= codeStart && codeEnd <= end);
      })
      .flatMap((line) => readBlock(pid, line));
    return summarizeTables(blocks);
  });
  return { pid, tables, names };
}

function readRegistries(pid: number): (BlockLine | NameLine)[][] {
  const attempt = `inspect process ${pid}`;
  try {
    const registries: (BlockLine | NameLine)[][] = [];
    for (const fd of readdirSync(`/proc/${pid}/fd`)) {
      const path = `/proc/${pid}/fd/${fd}`;
      if (registryPathPattern.test(linkTarget(path))) registries.push(parseRegistry(readRegistryFile(path)));
    }
    return registries;
  } catch (error) {
    throw fromNodeError(attempt, error);
  }
}

function linkTarget(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // closed meanwhile
  }
}

function readRegistryFile(path: string): string {
  const fd = openSync(path, 'r');
  try {
    return readAll(fd, maxRegistryBytes);
  } finally {
    closeSync(fd);
  }
}

/** The lines that make sense; others are left out. */
function parseRegistry(text: string): (BlockLine | NameLine)[] {
  return text.split('\n').flatMap((line) => {
    if (line === '') return [];
    try {
      const parsed = registryLine.safeParse(JSON.parse(line));
      return parsed.success && (parsed.data.kind === 'name' || isConsistent(parsed.data))
        ? [parsed.data]
        : [];
    } catch {
      return []; // half-written
    }
  });
}

/** Whether the numbers of a block fit together, so that nothing absurd is read. */
function isConsistent({
  role,
  code,
  data,
  codeLength,
  count,
  stride,
  trapAt,
  dataStride,
}: BlockLine): boolean {
  return (
    codeLength <= regionAlignment &&
    stride >= minStride &&
    count * stride <= codeLength &&
    (trapAt ?? 0) < stride &&
    dataStride <= 1024 &&
    (role === 'slow' || BigInt(data) === BigInt(code) + BigInt(codeLength))
  );
}

/** A block, unless what it names is not there: the process may have freed it, or never had it. */
function readBlock(pid: number, line: BlockLine): RemoteBlock[] {
  try {
    return [new RemoteBlock(pid, line)];
  } catch (error) {
    if (error instanceof TrampfdError && error.code === 'EIO') return [];
    throw error;
  }
}

/** A block in the other process, with a copy of its data. */
class RemoteBlock {
  readonly line: BlockLine;
  readonly code: bigint;
  readonly #data: DataView;
  readonly #bytes: Uint8Array;
  readonly #pid: number;

  constructor(pid: number, line: BlockLine) {
    this.line = line;
    this.code = BigInt(line.code);
    this.#pid = pid;
    const length = line.count * line.dataStride;
    const bytes = new Uint8Array(length);
    for (let offset = 0; offset < length; ) {
      const chunk = readMemory(BigInt(line.data) + BigInt(offset), length - offset, pid);
      if (chunk.length === 0) break;
      bytes.set(chunk, offset);
      offset += chunk.length;
    }
    this.#bytes = bytes;
    this.#data = new DataView(bytes.buffer);
  }

  /** Slots that lead anywhere but to their own trap. */
  *liveSlots(): Generator<{ address: bigint; pc: bigint }> {
    const { count, stride, dataStride, trapAt } = this.line;
    for (let slot = 0; slot < count; slot++) {
      const address = this.code + BigInt(slot * stride);
      const pc = this.#data.getBigUint64(slot * dataStride, true);
      if (pc !== 0n && (trapAt === null || pc !== address + BigInt(trapAt))) yield { address, pc };
    }
  }

  containsAddress(address: bigint): boolean {
    return this.code <= address && address < this.code + BigInt(this.line.codeLength);
  }

  disassemble(address: bigint): string {
    const bytes = readMemory(address, this.line.stride, this.#pid);
    const start = BigInt(this.line.data);
    const readWord = (wordAddress: bigint) =>
      this.#bytes.subarray(Number(wordAddress - start), Number(wordAddress - start) + 8);
    return disassembleCode(bytes, address, readWord).text;
  }
}

/** The live trampolines of one table, by the block (of a shape) that they run in. */
function summarizeTables(blocks: readonly RemoteBlock[]): InspectedTable[] {
  const blocksByTable = new Map<number, RemoteBlock[]>();
  for (const block of blocks) {
    if (block.line.role === 'body' || block.line.role === 'farewell') continue;
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
      if (target?.line.role === 'farewell' || (atomic && target === undefined)) continue;
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
