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
export const SECCOMP_FILTER_FLAG_SPEC_ALLOW = 4;
export const SECCOMP_FILTER_FLAG_NEW_LISTENER = 8;
/** Linux 5.19: once a call was received, only a fatal signal interrupts it. */
export const SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV = 32;
const SECCOMP_RET_ALLOW = 0x7fff0000;
const SECCOMP_RET_USER_NOTIF = 0x7fc00000;
const SECCOMP_RET_ERRNO = 0x00050000;

/** Where `struct seccomp_data` has its fields. */
const numberAt = 0;
const architectureAt = 4;
const argumentAt = ({ argument, half = 'lower' }: Condition): number =>
  16 + 8 * argument + (half === 'upper' ? 4 : 0);

/** A call to refuse: always, or when all of these hold. */
export interface Refusal {
  readonly call: number;
  readonly errno: number;
  readonly when?: readonly Condition[];
}

/** A call that somebody else answers: always, or when all of these hold. */
export interface Notice {
  readonly call: number;
  readonly notify: true;
  readonly when?: readonly Condition[];
}

/** What half of an argument is: has one of some bits, is a value or is not, is below one. */
export interface Condition {
  readonly argument: number;
  readonly half?: 'lower' | 'upper';
  readonly anyOf?: number;
  readonly unless?: number;
  readonly is?: number;
  readonly below?: number;
}

/**
 * A filter for some calls. All others pass, except that every call of another architecture is refused by
 * `foreignErrno`, if there is one, since numbers mean other things there.
 * @returns `struct sock_filter[]`
 */
export function seccompFilter(
  machine: Machine,
  rules: readonly (Refusal | Notice)[],
  foreignErrno?: number,
): Uint8Array {
  const program: Instruction[] = [];
  const refuse = (errno: number): Instruction => ({ code: RET_K, k: SECCOMP_RET_ERRNO | errno });
  const foreign = foreignErrno === undefined ? { code: RET_K, k: SECCOMP_RET_ALLOW } : refuse(foreignErrno);
  program.push({ code: LD_W_ABS, k: architectureAt });
  program.push({ code: JMP_JEQ_K, k: machine.auditArchitecture, jt: 1 }, foreign);
  program.push({ code: LD_W_ABS, k: numberAt });
  if (machine.foreignNumbers !== undefined) {
    program.push({ code: JMP_JGE_K, k: machine.foreignNumbers, jf: 1 }, foreign);
  }
  for (const rule of rules) {
    const { call, when = [] } = rule;
    const then = ['notify' in rule ? { code: RET_K, k: SECCOMP_RET_USER_NOTIF } : refuse(rule.errno)];
    // From the last to the first, since each jumps over those that follow.
    for (const condition of when.toReversed()) then.unshift(...test(condition, then.length));
    // The accumulator holds an argument now.
    if (when.length > 0) then.push({ code: LD_W_ABS, k: numberAt });
    program.push({ code: JMP_JEQ_K, k: call, jf: then.length }, ...then);
  }
  program.push({ code: RET_K, k: SECCOMP_RET_ALLOW });
  return encode(program);
}

/** Goes on to the next instruction if a condition holds, else over `skip` more. */
function test(condition: Condition, skip: number): Instruction[] {
  const { anyOf, unless, is, below } = condition;
  const tests: Instruction[] = [];
  const add = (next: Omit<Instruction, 'jt' | 'jf'>, fails: 'jt' | 'jf') => {
    tests.unshift({ ...next, [fails]: skip + tests.length });
  };
  if (below !== undefined) add({ code: JMP_JGE_K, k: below }, 'jt');
  if (is !== undefined) add({ code: JMP_JEQ_K, k: is }, 'jf');
  if (anyOf !== undefined) add({ code: JMP_JSET_K, k: anyOf }, 'jf');
  if (unless !== undefined) add({ code: JMP_JEQ_K, k: unless }, 'jt');
  return [{ code: LD_W_ABS, k: argumentAt(condition) }, ...tests];
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
