/**
 * What this process tells others about its trampolines: lines of JSON in an anonymous file, which
 * `trampfd inspect` finds among the process's descriptors by its name.
 */

import { fromNode, isShortage } from '../linux/errno.js';
import { unlinkedFile } from '../linux/files.js';
import { thisMachine } from '../linux/host.js';
import { memfd_create } from '../linux/memfd.js';
import { registerName } from '../trampoline/registers.js';
import { dataLayout } from '../trampoline/shape.js';
import type { Block } from './block.js';
import { type Line, LineFile } from './line-file.js';
import type { BlockLine, NameLine } from './registry-schema.js';
import type { Slots } from './slots.js';

const registryName = 'trampfd-registry';

/** What `/proc/PID/fd/N` leads to, when it is a registry. */
export const registryLink = new RegExp(`^/(memfd:|.*/)${registryName}(-[-0-9a-f]+)? \\(deleted\\)$`);

/** Nothing where the system lets us keep no list: then `inspect` sees nothing, and all else works. */
let file: LineFile | 'refused' | undefined;
let tables = 0;

/** What the registry says of a table besides its blocks. */
export type TableEntry = Pick<BlockLine, 'table' | 'name' | 'role' | 'shared'>;

/** A number by which the lines of one table belong together. */
export function newTableNumber(): number {
  return ++tables;
}

/**
 * Lists the blocks of a new set of slots, now and as they come. Returns how to take them off the list.
 * Slots that cannot be listed are closed.
 */
export function registerBlocks(slots: Slots, entry: TableEntry): () => void {
  const lines = new Map<Block, Line>();
  const list = (block: Block): void => {
    lines.set(block, add(describe(block, slots, entry)));
  };
  try {
    for (const block of slots.blocks) list(block);
  } catch (error) {
    slots.close();
    throw error;
  }
  slots.onBlock = list;
  slots.onDrop = (block) => {
    unregister(lines.get(block)!);
    lines.delete(block);
  };
  return () => {
    for (const line of lines.values()) unregister(line);
  };
}

/** Lists the name of one trampoline. */
export function registerTrampolineName(address: bigint, name: string): Line {
  return add({ kind: 'name', address: hex(address), name });
}

export function unregister(line: Line): void {
  if (file instanceof LineFile) file.remove(line);
}

function add(line: BlockLine | NameLine): Line {
  file ??= open();
  const text = JSON.stringify(line);
  return file === 'refused' ? { text, position: 0 } : file.add(text);
}

function open(): LineFile | 'refused' {
  for (const create of [() => memfd_create(registryName, 'keep a list'), () => unlinkedFile(registryName)]) {
    try {
      return new LineFile(create());
    } catch (error) {
      if (isShortage(error)) throw fromNode('keep a list of trampolines', error);
    }
  }
  return 'refused';
}

function describe(block: Block, { source }: Slots, entry: TableEntry): BlockLine {
  const { shape, stride, trapAt } = source;
  return {
    kind: 'block',
    ...entry,
    method: block.method,
    type: shape.type ?? 'user',
    registers: shape.registers.map((number) => registerName(thisMachine().registerFile, number)),
    stack: shape.stack ?? null,
    code: hex(block.code),
    codeLength: block.codeLength,
    count: block.links.length,
    stride,
    trapAt: trapAt ?? null,
    data: hex(block.data),
    dataStride: dataLayout(shape).stride,
  };
}

const hex = (address: bigint): string => `0x${address.toString(16)}`;
