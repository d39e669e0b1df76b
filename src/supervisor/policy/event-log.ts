/** Writes the trace (`--trace`, for people) and the audit log (`--audit`, for programs), one line per event. */

import { abi } from '../../abi/layout.js';
import { hex } from '../../core/bits.js';
import type { Machine } from '../../machine/index.js';
import { objectType } from '../objects/types/index.js';
import { writeLine } from '../process/write-line.js';
import type { Syscall } from '../syscalls/syscall.js';

export interface SyscallResult {
  /** The return value; `undefined` if the kernel executes the call. */
  readonly value: bigint | undefined;
  readonly error?: { readonly code: string; readonly reason: string };
}

const contextNames = ['MAP', 'REGS', 'STACK', 'ALLOWED_PCS', 'ALLOWED_CALLERS'];

export class EventLog {
  readonly #machine: Machine;
  readonly #traceFd: number | undefined;
  readonly #auditFd: number | undefined;

  constructor(
    machine: Machine,
    { traceFd, auditFd }: { traceFd: number | undefined; auditFd: number | undefined },
  ) {
    this.#machine = machine;
    this.#traceFd = traceFd;
    this.#auditFd = auditFd;
  }

  get enabled(): boolean {
    return this.#traceFd !== undefined || this.#auditFd !== undefined;
  }

  logSyscall(syscall: Syscall, syscallResult: SyscallResult): void {
    const { value, error } = syscallResult;
    if (this.#traceFd !== undefined) {
      const resultText =
        error !== undefined ? `-1 ${error.code} (${error.reason})` : (value?.toString() ?? 'to the kernel');
      writeLine(this.#traceFd, `[${syscall.tid}] ${this.#formatSyscall(syscall)} = ${resultText}`);
    }
    if (error?.code === 'EPERM')
      this.#writeAudit({ tid: syscall.tid, call: this.#formatSyscall(syscall), ...error });
  }

  logRejectedInvocation(tid: number, address: bigint, reason: string): void {
    const addressText = hex(address);
    if (this.#traceFd !== undefined)
      writeLine(this.#traceFd, `[${tid}] invoke ${addressText}: refused (${reason})`);
    this.#writeAudit({ tid, invocation: addressText, reason });
  }

  #writeAudit(event: object): void {
    if (this.#auditFd === undefined) return;
    writeLine(this.#auditFd, JSON.stringify({ time: new Date().toISOString(), ...event }));
  }

  #formatSyscall(syscall: Syscall): string {
    const { pread64, pwrite64, mmap, process_madvise } = this.#machine.linux.systemCalls;
    const hexArg = (index: number) => hex(syscall.args[index]!);
    if (syscall.number === pread64 || syscall.number === pwrite64) {
      const name = syscall.number === pread64 ? 'pread' : 'pwrite';
      const offset = formatContextOffset(syscall.args[3]!);
      return `${name}(${syscall.intArg(0)}, ${hexArg(1)}, ${syscall.args[2]}, ${offset})`;
    }
    if (syscall.number === mmap) {
      const [length, prot, flags] = [syscall.args[1], syscall.uintArg(2), hexArg(3)];
      return `mmap(${hexArg(0)}, ${length}, ${prot}, ${flags}, ${syscall.intArg(4)}, ${hexArg(5)})`;
    }
    const type = objectType(syscall.intArg(0))?.name ?? syscall.intArg(0);
    // The first proposal used the number of a call that the kernel has since named process_madvise.
    const name = syscall.number === process_madvise ? 'process_madvise' : 'trampfd_create';
    return `${name}(${type}, ${hexArg(1)}, ${syscall.uintArg(2)})`;
  }
}

/** Formats an offset with the names of `trampfd.h`. */
function formatContextOffset(offset: bigint): string {
  const contextOffset = Number(BigInt.asUintN(32, offset));
  const name = contextNames[contextOffset & ((1 << abi.instanceShift) - 1)];
  const index = contextOffset >>> abi.instanceShift;
  const text = name === undefined ? hex(offset) : `TRAMPFD_${name}_OFFSET`;
  return index === 0 ? text : `TRAMPFD_AT(${text}, ${index})`;
}
