/** Reads the trampoline registries of another process and validates their lines. */
import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { regionAlignment } from '../../codepage/regions.js';
import { fromNodeError } from '../../native/errno.js';
import { readAll } from '../debug/line-file.js';
import { registryPathPattern } from '../debug/registry.js';
import { type BlockLine, type NameLine, registryLine } from '../debug/registry-schema.js';

/** More than the registry of a program that names each of a million trampolines. */
const maxRegistryBytes = 2 ** 28;

/** Bytes from one trampoline to the next: no kind has less. */
const minStride = 8;

/** Returns the valid lines of each registry: a process with several copies of this package has several. */
export function readRegistries(pid: number): (BlockLine | NameLine)[][] {
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
    return ''; // the process has closed the fd
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

/** Returns the valid lines; others are ignored. */
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

/** Returns whether the numbers of a block are consistent, so that only memory of blocks is read. */
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
