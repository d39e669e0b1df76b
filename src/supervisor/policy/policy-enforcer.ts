/** Checks requests of programs against a policy. */

import { SyscallError } from '../../abi/syscall-error.js';
import { hex } from '../../core/bits.js';
import { MappingQuery } from '../../linux/process/procmap-query.js';
import type { ObjectLayout, ObjectType } from '../objects/types/object-type.js';
import type { Policy } from './policy.js';

export class PolicyEnforcer {
  readonly #policy: Policy;
  /** As {@link openPolicyLibrary} returns them. */
  readonly #libraries: ReadonlySet<string> | undefined;

  constructor(policy: Policy) {
    this.#policy = policy;
    this.#libraries = policy.libraries === undefined ? undefined : new Set(policy.libraries);
  }

  /** @throws SyscallError `EPERM` */
  assertTypeAllowed(type: ObjectType, { slow }: ObjectLayout): void {
    const { types, modes, demandAllowedPcs } = this.#policy;
    const name = type.name.replace('TRAMPFD_', '').toLowerCase();
    if (types?.some((allowed) => allowed === name) === false) deny(`objects of the type ${name}`);
    const mode = slow ? 'slow' : 'fast';
    if (modes?.includes(mode) === false) deny(`${mode} objects`);
    if (type.uncheckedTargets && demandAllowedPcs === true)
      deny(`the type ${name}, which has no allowed PCs`);
    if (type.uncheckedTargets && this.#libraries !== undefined)
      deny(`the type ${name}, whose targets are unchecked`);
  }

  atObjectLimit(liveObjects: number): boolean {
    return liveObjects >= (this.#policy.objects ?? Number.POSITIVE_INFINITY);
  }

  /** @throws SyscallError `EPERM` */
  rejectObject(): never {
    deny(`more than ${this.#policy.objects} objects`);
  }

  /** @throws SyscallError `EPERM` */
  assertRegistersAllowed(pc: bigint, allowedPcs: readonly bigint[] | undefined, pid: number): void {
    if (this.#policy.demandAllowedPcs === true && allowedPcs === undefined) {
      deny('registers without allowed PCs');
    }
    this.assertTargetAllowed(pc, pid);
  }

  /** Checks a target against the program's current mappings. @throws SyscallError `EPERM` */
  assertTargetAllowed(pc: bigint, pid: number): void {
    if (this.#libraries === undefined) return;
    let query: MappingQuery;
    try {
      query = new MappingQuery(pid);
    } catch {
      throw new SyscallError('EPERM', `the mappings of process ${pid} cannot be read`);
    }
    try {
      const mapping = query.mappingAt(pc);
      if (mapping?.executable === true && this.#libraries.has(mapping.file)) return;
    } finally {
      query.close();
    }
    deny(`the target ${hex(pc)}, which is in none of the listed libraries`);
  }
}

function deny(subject: string): never {
  throw new SyscallError('EPERM', `the policy forbids ${subject}`);
}
