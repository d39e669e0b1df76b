/**
 * Inspects the trampolines of another process, from its registry and its memory. This needs permission to read that
 * memory: the same user and no `PR_SET_DUMPABLE=0`, or `CAP_SYS_PTRACE`.
 *
 * **Limitation**: the other process may be changing its trampolines at the same time, so the result can be outdated.
 */
import { existsSync } from 'node:fs';
import { TrampfdError } from '../../core/errors.js';
import { integerInRange } from '../../core/validate.js';
import { mappings } from '../../linux/process/proc-maps.js';
import type { BlockLine } from '../debug/registry-schema.js';
import { readRegistries } from './registry-reader.js';
import { RemoteBlock } from './remote-block.js';
import { type InspectedTable, summarizeTables } from './summarize.js';

export interface InspectedProcess {
  readonly pid: number;
  readonly tables: readonly InspectedTable[];
  /** Trampolines that have their own names. */
  readonly names: ReadonlyMap<bigint, string>;
}

/** @throws TrampfdError if there is no such process, it may not be read, or has no trampolines of this package */
export function inspectProcess(pid: number): InspectedProcess {
  integerInRange(pid, 'pid', { min: 1, max: 2 ** 31 - 1 });
  if (!existsSync(`/proc/${pid}`)) {
    throw new TrampfdError(`Cannot inspect process ${pid}: there is no such process`, { code: 'ESRCH' });
  }
  const registries = readRegistries(pid);
  if (registries.length === 0) {
    throw new TrampfdError(`Cannot inspect process ${pid}: it has created no trampolines`, {
      code: 'ERR_TRAMPFD_NOT_FOUND',
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

/** Returns the block; empty if its memory is not mapped: the process may have freed it, or never had it. */
function readBlock(pid: number, line: BlockLine): RemoteBlock[] {
  try {
    return [new RemoteBlock(pid, line)];
  } catch (error) {
    if (error instanceof TrampfdError && error.code === 'EIO') return [];
    throw error;
  }
}
