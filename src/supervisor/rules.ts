/** A policy that is in force. */
import { Refusal } from '../abi/refusal.js';
import { MappingQuery } from '../linux/mapping-query.js';
import type { Policy } from './policy.js';
import type { ObjectType, Plan } from './types/type.js';

/** Its libraries are told as `openLibrary` tells them. */
export class Rules {
  readonly #policy: Policy;
  readonly #libraries: ReadonlySet<string> | undefined;

  constructor(policy: Policy) {
    this.#policy = policy;
    this.#libraries = policy.libraries === undefined ? undefined : new Set(policy.libraries);
  }

  /** @throws Refusal */
  checkType(type: ObjectType, { slow }: Plan): void {
    const { types, modes, demandAllowedPcs } = this.#policy;
    const name = type.name.replace('TRAMPFD_', '').toLowerCase();
    if (types?.some((allowed) => allowed === name) === false) forbid(`objects of the type ${name}`);
    const mode = slow ? 'slow' : 'fast';
    if (modes?.includes(mode) === false) forbid(`${mode} objects`);
    if (type.openTargets && demandAllowedPcs === true) forbid(`the type ${name}, which has no allowed PCs`);
    if (type.openTargets && this.#libraries !== undefined) forbid(`the type ${name}, whose targets are open`);
  }

  /** Whether there are as many objects as there may be. */
  isFull(alive: number): boolean {
    return alive >= (this.#policy.objects ?? Number.POSITIVE_INFINITY);
  }

  /** @throws Refusal */
  refuseMore(): never {
    forbid(`more than ${this.#policy.objects} objects`);
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
