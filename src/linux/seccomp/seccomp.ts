/**
 * Seccomp filters: classic BPF programs.
 * @see seccomp(2), Documentation/userspace-api/seccomp_filter.rst
 */
import type { Machine } from '../../machine/index.js';

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
/** Linux 5.19: after a system call was received, only a fatal signal interrupts it. */
export const SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV = 32;
const SECCOMP_RET_ALLOW = 0x7fff0000;
const SECCOMP_RET_USER_NOTIF = 0x7fc00000;
const SECCOMP_RET_ERRNO = 0x00050000;

// Offsets in `struct seccomp_data`, in bytes.
const numberOffset = 0;
const architectureOffset = 4;
const argumentOffset = ({ argument, half = 'lower' }: ArgumentCondition): number =>
  16 + 8 * argument + (half === 'upper' ? 4 : 0);

/** Makes a system call fail: always, or if all conditions of `when` hold. */
export interface ErrnoRule {
  readonly syscall: number;
  readonly errno: number;
  readonly when?: readonly ArgumentCondition[];
}

/** Passes a system call to the listener of the filter: always, or if all conditions of `when` hold. */
export interface NotifyRule {
  readonly syscall: number;
  readonly notify: true;
  readonly when?: readonly ArgumentCondition[];
}

/** A condition on one half (32 bits) of an argument; all members must hold. `lessThan` compares unsigned. */
export interface ArgumentCondition {
  readonly argument: number;
  readonly half?: 'lower' | 'upper';
  readonly anyBits?: number;
  readonly notEquals?: number;
  readonly equals?: number;
  readonly lessThan?: number;
}

/**
 * Compiles a filter. It allows all system calls without a rule. System calls of other architectures have other numbers:
 * all of them fail with `otherArchErrno`, or are allowed if it is `undefined`.
 * @returns `struct sock_filter[]`
 */
export function seccompFilter(
  machine: Machine,
  rules: readonly (ErrnoRule | NotifyRule)[],
  otherArchErrno?: number,
): Uint8Array {
  const program: BpfInstruction[] = [];
  const returnErrno = (errno: number): BpfInstruction => ({ code: RET_K, k: SECCOMP_RET_ERRNO | errno });
  const otherArch =
    otherArchErrno === undefined ? { code: RET_K, k: SECCOMP_RET_ALLOW } : returnErrno(otherArchErrno);
  program.push({ code: LD_W_ABS, k: architectureOffset });
  program.push({ code: JMP_JEQ_K, k: machine.linux.auditArch, jt: 1 }, otherArch);
  program.push({ code: LD_W_ABS, k: numberOffset });
  if (machine.linux.x32Bit !== undefined) {
    program.push({ code: JMP_JGE_K, k: machine.linux.x32Bit, jf: 1 }, otherArch);
  }
  for (const rule of rules) {
    const { syscall, when = [] } = rule;
    const body = ['notify' in rule ? { code: RET_K, k: SECCOMP_RET_USER_NOTIF } : returnErrno(rule.errno)];
    // From the last to the first, since each one jumps over those after it.
    for (const condition of when.toReversed()) body.unshift(...compileCondition(condition, body.length));
    // A condition has loaded an argument into the accumulator.
    if (when.length > 0) body.push({ code: LD_W_ABS, k: numberOffset });
    program.push({ code: JMP_JEQ_K, k: syscall, jf: body.length }, ...body);
  }
  program.push({ code: RET_K, k: SECCOMP_RET_ALLOW });
  return encode(program);
}

/** Compiles a condition. If it does not hold, the code jumps over `skip` further instructions. */
function compileCondition(condition: ArgumentCondition, skip: number): BpfInstruction[] {
  const { anyBits, notEquals, equals, lessThan } = condition;
  const jumps: BpfInstruction[] = [];
  const prependJump = (instruction: Omit<BpfInstruction, 'jt' | 'jf'>, failBranch: 'jt' | 'jf') => {
    jumps.unshift({ ...instruction, [failBranch]: skip + jumps.length });
  };
  if (lessThan !== undefined) prependJump({ code: JMP_JGE_K, k: lessThan }, 'jt');
  if (equals !== undefined) prependJump({ code: JMP_JEQ_K, k: equals }, 'jf');
  if (anyBits !== undefined) prependJump({ code: JMP_JSET_K, k: anyBits }, 'jf');
  if (notEquals !== undefined) prependJump({ code: JMP_JEQ_K, k: notEquals }, 'jt');
  return [{ code: LD_W_ABS, k: argumentOffset(condition) }, ...jumps];
}

/** `struct sock_filter`; `jt` and `jf` are the instructions to skip if the comparison is true or false. */
interface BpfInstruction {
  readonly code: number;
  readonly k: number;
  readonly jt?: number;
  readonly jf?: number;
}

function encode(program: readonly BpfInstruction[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(8 * program.length));
  for (const [index, { code, k, jt = 0, jf = 0 }] of program.entries()) {
    view.setUint16(8 * index, code, true);
    view.setUint8(8 * index + 2, jt);
    view.setUint8(8 * index + 3, jf);
    view.setUint32(8 * index + 4, k, true);
  }
  return new Uint8Array(view.buffer);
}
