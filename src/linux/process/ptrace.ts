/**
 * Tracing of threads of other processes, and their registers. Only the thread that attached may call these functions.
 * A traced thread can exit at any time; then they return `false`.
 * @see ptrace(2)
 */
import { errnoName, systemError } from '../../native/errno.js';
import { errno, libc } from '../../native/libc.js';
import { addressOfBytes } from '../../native/memory-view.js';
import { SIGINFO } from './signal.js';

// <linux/ptrace.h>
const PTRACE_PEEKDATA = 2;
const PTRACE_CONT = 7;
const PTRACE_DETACH = 17;
const PTRACE_GETEVENTMSG = 0x4201;
const PTRACE_GETSIGINFO = 0x4202;
const PTRACE_GETREGSET = 0x4204;
const PTRACE_SETREGSET = 0x4205;
const PTRACE_SEIZE = 0x4206;
const PTRACE_LISTEN = 0x4208;
/** The general registers: <elf.h>. `PTRACE_GETREGS` does not exist on all architectures. */
const NT_PRSTATUS = 1n;
/** Events, as in {@link WaitStatus}. */
export const PTRACE_EVENT = { fork: 1, vfork: 2, clone: 3, exec: 4, exit: 6, stop: 128 } as const;

const PTRACE_O_TRACEFORK = 2;
const PTRACE_O_TRACEVFORK = 4;
const PTRACE_O_TRACECLONE = 8;
const PTRACE_O_TRACEEXEC = 16;
const seizeOptions = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;

const siginfoBuffer = new DataView(new ArrayBuffer(SIGINFO.size));
const eventMessageBuffer = new BigUint64Array(1);

/** Attaches without stopping the thread; its new threads and children are traced as well. @returns whether it exists */
export function seize(tid: number): boolean {
  if (ptraceRequest(PTRACE_SEIZE, tid, 0n, BigInt(seizeOptions))) return true;
  const error = errno();
  if (errnoName(error) === 'ESRCH') return false;
  throw systemError(`trace thread ${tid}`, { syscall: 'ptrace', errno: error });
}

/** Continues a stopped thread, delivering a signal unless it is 0. */
export function cont(tid: number, signal = 0): boolean {
  return ptraceRequest(PTRACE_CONT, tid, 0n, BigInt(signal));
}

/** Leaves a thread in its group-stop until SIGCONT. */
export function listen(tid: number): boolean {
  return ptraceRequest(PTRACE_LISTEN, tid, 0n, 0n);
}

/** Detaches from a stopped thread and continues it, delivering a signal unless it is 0. */
export function detach(tid: number, signal = 0): boolean {
  return ptraceRequest(PTRACE_DETACH, tid, 0n, BigInt(signal));
}

/** Returns the data of an event: the new thread's tid, or the former tid of a thread that called execve. */
export function getEventMessage(tid: number): number {
  return ptraceRequest(PTRACE_GETEVENTMSG, tid, 0n, addressOfBytes(eventMessageBuffer))
    ? Number(eventMessageBuffer[0]!)
    : 0;
}

/** Returns the siginfo of the signal that stopped a thread: `si_code` (positive: from the kernel) and fault address. */
export function getSiginfo(tid: number): { readonly code: number; readonly address: bigint } | undefined {
  if (!ptraceRequest(PTRACE_GETSIGINFO, tid, 0n, addressOfBytes(siginfoBuffer))) return undefined;
  return {
    code: siginfoBuffer.getInt32(SIGINFO.code, true),
    address: siginfoBuffer.getBigUint64(SIGINFO.address, true),
  };
}

/** Buffer for the general registers of a stopped thread. */
export class RegisterSet {
  readonly view: DataView;
  /** `struct iovec` of the buffer. */
  readonly #iovec: BigUint64Array;
  readonly #iovecAddress: bigint;

  constructor(size: number) {
    this.view = new DataView(new ArrayBuffer(size));
    this.#iovec = BigUint64Array.of(addressOfBytes(this.view), 0n);
    this.#iovecAddress = addressOfBytes(this.#iovec);
  }

  /** Reads the registers. `false` also for a 32-bit program, which has fewer. */
  read(tid: number): boolean {
    return this.#exchange(PTRACE_GETREGSET, tid);
  }

  /** Sets the registers. */
  write(tid: number): boolean {
    return this.#exchange(PTRACE_SETREGSET, tid);
  }

  #exchange(request: number, tid: number): boolean {
    const length = BigInt(this.view.byteLength);
    this.#iovec[1] = length; // the kernel replaces it by the number of bytes that it copied
    return ptraceRequest(request, tid, NT_PRSTATUS, this.#iovecAddress) && this.#iovec[1] === length;
  }
}

/** Reads a word of a stopped thread's memory: the stack grows as if the thread had accessed it. */
export function growStack(tid: number, address: bigint): void {
  libc().ptrace(PTRACE_PEEKDATA, tid, address, 0n);
}

function ptraceRequest(request: number, tid: number, address: bigint, data: bigint): boolean {
  return Number(libc().ptrace(request, tid, address, data)) === 0;
}
