/**
 * What this process tells others about its trampolines: lines of JSON in an anonymous file, which
 * `trampfd inspect` finds among the process's descriptors by its name.
 */

import { registerName } from '../../core/registers.js';
import { dataLayout } from '../../core/shape.js';
import { unlinkedTempFile } from '../../linux/fs/temp-files.js';
import { memfd_create } from '../../linux/mm/memfd.js';
import { fromNodeError, isResourceExhausted } from '../../native/errno.js';
import { hostMachine } from '../../native/host.js';
import type { Block } from '../slots/block.js';
import type { Slots } from '../slots/slots.js';
import { type Line, LineFile } from './line-file.js';
import type { BlockLine, NameLine } from './registry-schema.js';

const registryName = 'trampfd-registry';

/** What `/proc/PID/fd/N` leads to, when it is a registry. */
export const registryPathPattern = new RegExp(`^/(memfd:|.*/)${registryName}(-[-0-9a-f]+)? \\(deleted\\)$`);

/** Nothing where the system lets us keep no list: then `inspect` sees nothing, and all else works. */
let registryFile: LineFile | 'refused' | undefined;
let tableCount = 0;

/** What the registry says of a table besides its blocks. */
export type TableInfo = Pick<BlockLine, 'table' | 'name' | 'role' | 'shared'>;

/** A number by which the lines of one table belong together. */
export function nextTableId(): number {
  return ++tableCount;
}

/**
 * Lists the blocks of a new set of slots, now and as they come. Returns how to take them off the list.
 * Slots that cannot be listed are closed.
 */
export function registerBlocks(slots: Slots, tableInfo: TableInfo): () => void {
  const lines = new Map<Block, Line>();
  const registerBlock = (block: Block): void => {
    lines.set(block, addLine(toBlockLine(block, slots, tableInfo)));
  };
  try {
    for (const block of slots.blocks) registerBlock(block);
  } catch (error) {
    slots.close();
    throw error;
  }
  slots.onBlockMapped = registerBlock;
  slots.onBlockReleased = (block) => {
    unregisterLine(lines.get(block)!);
    lines.delete(block);
  };
  return () => {
    for (const line of lines.values()) unregisterLine(line);
  };
}

/** Lists the name of one trampoline. */
export function registerTrampolineName(address: bigint, name: string): Line {
  return addLine({ kind: 'name', address: hex(address), name });
}

export function unregisterLine(line: Line): void {
  if (registryFile instanceof LineFile) registryFile.remove(line);
}

function addLine(line: BlockLine | NameLine): Line {
  registryFile ??= createRegistryFile();
  const text = JSON.stringify(line);
  return registryFile === 'refused' ? { text, position: 0 } : registryFile.add(text);
}

function createRegistryFile(): LineFile | 'refused' {
  for (const create of [
    () => memfd_create(registryName, 'keep a list'),
    () => unlinkedTempFile(registryName),
  ]) {
    try {
      return new LineFile(create());
    } catch (error) {
      if (isResourceExhausted(error)) throw fromNodeError('keep a list of trampolines', error);
    }
  }
  return 'refused';
}

function toBlockLine(block: Block, { allocator }: Slots, tableInfo: TableInfo): BlockLine {
  const { shape, stride, trapOffset } = allocator;
  return {
    kind: 'block',
    ...tableInfo,
    method: block.codeSource,
    type: shape.type ?? 'user',
    registers: shape.registers.map((number) => registerName(hostMachine().registerFile, number)),
    stack: shape.stack ?? null,
    code: hex(block.code),
    codeLength: block.codeLength,
    count: block.freeList.length,
    stride,
    trapAt: trapOffset ?? null,
    data: hex(block.data),
    dataStride: dataLayout(shape).stride,
  };
}

const hex = (address: bigint): string => `0x${address.toString(16)}`;
