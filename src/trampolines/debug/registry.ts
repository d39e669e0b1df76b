/**
 * The registry of this process's trampolines: lines of JSON in an anonymous file, which `trampfd inspect` finds by its
 * name among the fds of the process.
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

/** Matches the target of the symbolic link `/proc/PID/fd/N` of a registry. */
export const registryPathPattern = new RegExp(`^/(memfd:|.*/)${registryName}(-[-0-9a-f]+)? \\(deleted\\)$`);

/** `'refused'` if the system refuses the file: `inspect` shows nothing then, and everything else works. */
let registryFile: LineFile | 'refused' | undefined;
let tableCount = 0;

/** The properties that the blocks of one table share in the registry. */
export type TableInfo = Pick<BlockLine, 'table' | 'name' | 'role' | 'shared'>;

/** Returns a number that identifies the lines of one table. */
export function nextTableId(): number {
  return ++tableCount;
}

/**
 * Registers the blocks of new slots, present and future ones. Returns a function that removes them from the registry.
 * If registering fails, the slots are closed.
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

/** Registers the name of one trampoline. */
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
    () => memfd_create(registryName, 'create the trampoline registry'),
    () => unlinkedTempFile(registryName),
  ]) {
    try {
      return new LineFile(create());
    } catch (error) {
      if (isResourceExhausted(error)) throw fromNodeError('create the trampoline registry', error);
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
