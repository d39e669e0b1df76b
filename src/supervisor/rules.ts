/** A policy that is in force. */
import { closeSync, openSync } from 'node:fs';
import { Refusal } from '../abi/refusal.js';
import { fromNode } from '../linux/errno.js';
import { MappingQuery } from '../linux/mapping-query.js';
import { MAP_PRIVATE, mmap, munmap, PROT_READ, pageSize } from '../linux/memory.js';
import type { Policy } from './policy.js';
import type { ObjectType, Plan } from './types/type.js';

/** Libraries are open, so that their numbers are nobody else's. */
export class Rules {
  readonly #policy: Policy;
  readonly #libraries: ReadonlySet<string> | undefined;

  constructor(policy: Policy) {
    this.#policy = policy;
    this.#libraries =
      policy.libraries === undefined ? undefined : new Set(policy.libraries.map(fileAsMapped));
  }

  /** @throws Refusal */
  checkCreate(type: ObjectType, { slow }: Plan, alive: number): void {
    const { types, modes, objects, demandAllowedPcs } = this.#policy;
    const name = type.name.replace('TRAMPFD_', '').toLowerCase();
    if (types?.some((allowed) => allowed === name) === false) forbid(`objects of the type ${name}`);
    const mode = slow ? 'slow' : 'fast';
    if (modes?.includes(mode) === false) forbid(`${mode} objects`);
    if (type.openTargets && demandAllowedPcs === true) forbid(`the type ${name}, which has no allowed PCs`);
    if (type.openTargets && this.#libraries !== undefined) forbid(`the type ${name}, whose targets are open`);
    if (objects !== undefined && alive >= objects) forbid(`more than ${objects} objects`);
  }

  /** @throws Refusal */
  checkRegisters(pc: bigint, allowedPcs: readonly bigint[] | undefined, pid: number): void {
    if (this.#policy.demandAllowedPcs === true && allowedPcs === undefined) {
      forbid('registers without allowed PCs');
    }
    this.checkTarget(pc, pid);
  }

  /** Looks at what the program has mapped now. @throws Refusal */
  checkTarget(pc: bigint, pid: number): void {
    if (this.#libraries === undefined) return;
    let query: MappingQuery;
    try {
      query = new MappingQuery(pid);
    } catch {
      throw new Refusal('EPERM', `the mappings of process ${pid} cannot be read`);
    }
    try {
      const mapping = query.at(pc);
      if (mapping?.executable === true && this.#libraries.has(mapping.file)) return;
    } finally {
      query.close();
    }
    forbid(`the target 0x${pc.toString(16)}, which lies in none of the named libraries`);
  }
}

function forbid(what: string): never {
  throw new Refusal('EPERM', `the policy forbids ${what}`);
}

/**
 * How a file shows in the mappings of processes; `stat` tells other numbers on some file systems. The file stays
 * open for good: while it does, no other file gets its inode.
 */
function fileAsMapped(path: string): string {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    throw fromNode(`follow the policy: ${path}`, error);
  }
  const length = pageSize();
  const attempt = `follow the policy: map ${path}`;
  let address: bigint;
  try {
    address = mmap({ length, prot: PROT_READ, flags: MAP_PRIVATE, fd }, attempt);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  const query = new MappingQuery(process.pid);
  try {
    return query.at(address)!.file;
  } finally {
    query.close();
    munmap(address, length);
  }
}
