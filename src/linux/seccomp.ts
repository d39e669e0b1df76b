/**
 * Filters for system calls: classic BPF programs, as bytes.
 * @see seccomp(2), Documentation/userspace-api/seccomp_filter.rst
 */
import type { Machine } from '../machine/index.js';

// <linux/bpf_common.h>, <linux/filter.h>
const LD_W_ABS = 0x20;
const JMP_JEQ_K = 0x15;
const JMP_JGE_K = 0x35;
const JMP_JSET_K = 0x45;
const RET_K = 0x06;

// <linux/seccomp.h>
export const SECCOMP_SET_MODE_FILTER = 1;
const SECCOMP_RET_ALLOW = 0x7fff0000;
const SECCOMP_RET_ERRNO = 0x00050000;

/** Where `struct seccomp_data` has its fields; of an argument, the lower half. */
const numberAt = 0;
const architectureAt = 4;
const argumentAt = (index: number): number => 16 + 8 * index;

/** A call to refuse: always, or when all of these hold. */
export interface Refusal {
  readonly call: number;
  readonly errno: number;
  readonly when?: readonly Condition[];
}

/** An argument has one of some bits, and is not a certain value. */
export interface Condition {
  readonly argument: number;
  readonly anyOf: number;
  readonly unless?: number;
}

/**
 * A filter that refuses some calls and, since their numbers mean other things there, every call of another
 * architecture (`foreignErrno`). All others pass.
 * @returns `struct sock_filter[]`
 */
export function seccompFilter(
  machine: Machine,
  refusals: readonly Refusal[],
  foreignErrno: number,
): Uint8Array {
  const program: Instruction[] = [];
  const refuse = (errno: number): Instruction => ({ code: RET_K, k: SECCOMP_RET_ERRNO | errno });
  program.push({ code: LD_W_ABS, k: architectureAt });
  program.push({ code: JMP_JEQ_K, k: machine.auditArchitecture, jt: 1 }, refuse(foreignErrno));
  program.push({ code: LD_W_ABS, k: numberAt });
  if (machine.foreignNumbers !== undefined) {
    program.push({ code: JMP_JGE_K, k: machine.foreignNumbers, jf: 1 }, refuse(foreignErrno));
  }
  for (const { call, errno, when = [] } of refusals) {
    const then = [refuse(errno)];
    // From the last to the first, since each jumps over those that follow.
    for (const { argument, anyOf, unless } of when.toReversed()) {
      then.unshift({ code: JMP_JSET_K, k: anyOf, jf: then.length });
      if (unless !== undefined) then.unshift({ code: JMP_JEQ_K, k: unless, jt: then.length });
      then.unshift({ code: LD_W_ABS, k: argumentAt(argument) });
    }
    // The accumulator holds an argument now.
    if (when.length > 0) then.push({ code: LD_W_ABS, k: numberAt });
    program.push({ code: JMP_JEQ_K, k: call, jf: then.length }, ...then);
  }
  program.push({ code: RET_K, k: SECCOMP_RET_ALLOW });
  return encode(program);
}

/** `struct sock_filter`; the jumps count instructions to skip. */
interface Instruction {
  readonly code: number;
  readonly k: number;
  readonly jt?: number;
  readonly jf?: number;
}

function encode(program: readonly Instruction[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(8 * program.length));
  for (const [index, { code, k, jt = 0, jf = 0 }] of program.entries()) {
    view.setUint16(8 * index, code, true);
    view.setUint8(8 * index + 2, jt);
    view.setUint8(8 * index + 3, jf);
    view.setUint32(8 * index + 4, k, true);
  }
  return new Uint8Array(view.buffer);
}
