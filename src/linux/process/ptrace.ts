/**
 * Stopping threads of other processes, and changing their registers. Everything here has to be called by the
 * thread that attached. Any call can find the thread gone; that is told by `false`, and is no error.
 * @see ptrace(2)
 */
import { errnoName, systemError } from '../../native/errno.js';
import { errno, libc } from '../../native/libc.js';
import { addressOfBytes } from '../mm/memory.js';

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
/** The set of the general registers: <elf.h>. Older requests for them are not there on every architecture. */
const NT_PRSTATUS = 1n;
/** What `waitForChange` tells as the event. */
export const PTRACE_EVENT = { fork: 1, vfork: 2, clone: 3, exec: 4, exit: 6, stop: 128 } as const;

const PTRACE_O_TRACEFORK = 2;
const PTRACE_O_TRACEVFORK = 4;
const PTRACE_O_TRACECLONE = 8;
const PTRACE_O_TRACEEXEC = 16;
const seizeOptions = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;

/** `siginfo_t`, in bytes, as far as it is of interest. Checked against C by a test. */
export const SIGINFO = { size: 128, code: 8, address: 16 } as const;

const siginfoBuffer = new DataView(new ArrayBuffer(SIGINFO.size));
const eventMessageBuffer = new BigUint64Array(1);

/** Attaches without stopping; what the thread starts is traced, too. @returns whether the thread is there */
export function seize(tid: number): boolean {
  if (ptraceRequest(PTRACE_SEIZE, tid, 0n, BigInt(seizeOptions))) return true;
  const error = errno();
  if (errnoName(error) === 'ESRCH') return false;
  throw systemError(`trace thread ${tid}`, { syscall: 'ptrace', errno: error });
}

/** Lets a stopped thread go on, with a signal or without (0). */
export function cont(tid: number, signal = 0): boolean {
  return ptraceRequest(PTRACE_CONT, tid, 0n, BigInt(signal));
}

/** Leaves a thread stopped with its process, as whoever stopped it wants, until it is continued. */
export function listen(tid: number): boolean {
  return ptraceRequest(PTRACE_LISTEN, tid, 0n, 0n);
}

/** Lets go of a stopped thread for good. */
export function detach(tid: number, signal = 0): boolean {
  return ptraceRequest(PTRACE_DETACH, tid, 0n, BigInt(signal));
}

/** What an event is about: the new process, or the thread that executed. */
export function getEventMessage(tid: number): number {
  return ptraceRequest(PTRACE_GETEVENTMSG, tid, 0n, addressOfBytes(eventMessageBuffer))
    ? Number(eventMessageBuffer[0]!)
    : 0;
}

/** The signal that stopped a thread: who sent it (above 0: the kernel), and for faults the address. */
export function getSiginfo(tid: number): { readonly code: number; readonly address: bigint } | undefined {
  if (!ptraceRequest(PTRACE_GETSIGINFO, tid, 0n, addressOfBytes(siginfoBuffer))) return undefined;
  return {
    code: siginfoBuffer.getInt32(SIGINFO.code, true),
    address: siginfoBuffer.getBigUint64(SIGINFO.address, true),
  };
}

/** Room for the general registers of a stopped thread. */
export class RegisterSet {
  readonly view: DataView;
  /** `struct iovec`: where they are, and how many bytes. */
  readonly #iovec: BigUint64Array;
  readonly #iovecAddress: bigint;

  constructor(size: number) {
    this.view = new DataView(new ArrayBuffer(size));
    this.#iovec = BigUint64Array.of(addressOfBytes(this.view), 0n);
    this.#iovecAddress = addressOfBytes(this.#iovec);
  }

  /** Reads them. There are fewer of them in a 32-bit program, which has none of our memory. */
  read(tid: number): boolean {
    return this.#exchange(PTRACE_GETREGSET, tid);
  }

  /** Sets them. */
  write(tid: number): boolean {
    return this.#exchange(PTRACE_SETREGSET, tid);
  }

  #exchange(request: number, tid: number): boolean {
    const length = BigInt(this.view.byteLength);
    this.#iovec[1] = length; // the kernel puts there how many it copied
    return ptraceRequest(request, tid, NT_PRSTATUS, this.#iovecAddress) && this.#iovec[1] === length;
  }
}

/** Touches a stopped thread's memory. A stack that had not grown so far grows, as if the thread had touched it. */
export function growStack(tid: number, address: bigint): void {
  libc().ptrace(PTRACE_PEEKDATA, tid, address, 0n);
}

function ptraceRequest(request: number, tid: number, address: bigint, data: bigint): boolean {
  return Number(libc().ptrace(request, tid, address, data)) === 0;
}
