/** The proposal's own object, for TypeScript: a descriptor with contexts, to map, to hand on, to close. */
import {
  contextLength,
  decodeAllowedCallers,
  decodeAllowedPcs,
  decodeRegisters,
  decodeStack,
  registerNumbersOf,
} from '../abi/decode-contexts.js';
import {
  encodeAllowedCallers,
  encodeAllowedPcs,
  encodeRegisters,
  encodeStack,
  encodeUser,
} from '../abi/encode.js';
import { abi } from '../abi/layout.js';
import {
  assertAllowedPc,
  type CallerRange,
  parseAllowedPcs,
  parseCallerRanges,
  parseRegisters,
  parseStack,
  type RegisterValues,
  type StackValues,
} from '../core/contexts.js';
import { TrampfdError } from '../core/errors.js';
import { registerName, registerNumber } from '../core/registers.js';
import { integerInRange, knownOptions, oneOf } from '../core/validate.js';
import { close } from '../linux/fs/fds.js';
import { recvFd, sendFd } from '../linux/fs/scm-rights.js';
import { munmap } from '../linux/mm/memory.js';
import { mapObject } from '../linux/trampfd-syscall.js';
import { hostMachine } from '../native/host.js';
import { objectBackend } from './object-backend.js';

export interface TrampolineObjectOptions {
  /**
   * `'fast'` (default): an invocation is a few instructions. `'slow'`: it faults, and the supervisor checks it and
   * does the work; only in a supervised program.
   */
  readonly mode?: 'fast' | 'slow';
  /** Trampolines in the object, each with contexts of its own: 1 (default) to 65,536. */
  readonly count?: number;
}

/** Where an object is mapped. */
export interface TrampolineMapping {
  /** The first instance's address. */
  readonly address: bigint;
  /** @param instance counted from 0 */
  addressOf(instance: number): bigint;
  /** Takes the mapping away. Its addresses must not be called any more. */
  unmap(): void;
}

/**
 * Makes a trampoline object that a descriptor stands for, as `trampfd_create(2)` does. In a program that
 * `trampfd run` runs it is that system call, and the supervisor keeps the contexts. In any other this process
 * keeps them, for itself and for those to whom it hands the descriptor: they can map and call, and write nothing.
 *
 * @example
 * ```ts
 * import { symbolAddress } from 'trampfd';
 * import { createTrampolineObject } from 'trampfd/object';
 *
 * const object = createTrampolineObject();
 * object.setRegisters({ pc: symbolAddress('memcmp'), arg2: 8n });
 * const { address } = object.map();
 * console.log(`call 0x${address.toString(16)} with two pointers`);
 * object.close(); // the mapping stays, and the object with it
 * ```
 * @throws TypeError, RangeError for wrong options
 * @throws TrampfdError when the system or the supervisor's policy refuses
 */
export function createTrampolineObject(options: TrampolineObjectOptions = {}): TrampolineObject {
  const validOptions = knownOptions(options, 'options', ['mode', 'count']);
  const slow = oneOf(validOptions.mode, 'mode', ['fast', 'slow']) === 'slow';
  const count = integerInRange(validOptions.count ?? 1, 'count', { min: 1, max: abi.maxCount });
  return TrampolineObject.fromFd(objectBackend().create(abi.types.user, encodeUser({ slow, count })));
}

const { regs, stack, allowedPcs, allowedCallers } = abi.contexts;

/**
 * One object; made by {@link createTrampolineObject}. What is about one of its trampolines takes the number of the
 * instance, by default 0. Wrong values are `TypeError` or `RangeError`; what the system or a policy refuses, and the use of
 * a closed descriptor (`ERR_CLOSED`), is a `TrampfdError`. Nothing has changed then.
 */
export class TrampolineObject {
  readonly #fd: number;
  #isOpen = true;

  /** @internal */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Takes over a descriptor that came otherwise: it is closed by `close`. */
  static fromFd(fd: number): TrampolineObject {
    return objectFromFd(integerInRange(fd, 'fd', { max: 2 ** 31 - 1 }));
  }

  /**
   * Waits for a descriptor that somebody sends through a Unix socket.
   * @param socketFd the socket's descriptor; of a `net.Socket` that Node reads from it is of no use
   */
  static receive(socketFd: number): TrampolineObject {
    const socket = integerInRange(socketFd, 'socketFd', { max: 2 ** 31 - 1 });
    return objectFromFd(recvFd(socket, 'receive a trampoline descriptor'));
  }

  /** The descriptor: to hand to a child, by its number among `stdio`. */
  get fd(): number {
    if (!this.#isOpen) {
      throw new TrampfdError('Cannot use a trampoline descriptor: it is closed', { code: 'ERR_CLOSED' });
    }
    return this.#fd;
  }

  /** Sends the descriptor through a Unix socket. This one stays open. */
  send(socketFd: number): void {
    const socket = integerInRange(socketFd, 'socketFd', { max: 2 ** 31 - 1 });
    sendFd(socket, this.fd, 'send a trampoline descriptor');
  }

  /** The registers by the architecture's own names; `undefined` when none are set, and then a call traps. */
  registers(instance = 0): RegisterValues | undefined {
    const registerFile = hostMachine().registerFile;
    const decoded = decodeRegisters(this.#read(regs, instance), registerNumbersOf(registerFile));
    if (decoded === undefined) return undefined;
    const assignments = decoded.assignments.map(({ register, value }) => [
      registerName(registerFile, register),
      value,
    ]);
    return { pc: decoded.pc, ...Object.fromEntries(assignments) };
  }

  /** Sets all registers in one step, also for threads that invoke the trampoline meanwhile; `null` removes them. */
  setRegisters(registers: RegisterValues | null, instance = 0): void {
    const registerFile = hostMachine().registerFile;
    const context = registers === null ? undefined : parseRegisters(registers, registerFile);
    if (context !== undefined) assertAllowedPc(context.pc, this.allowedPcs(instance));
    this.#write(regs, instance, encodeRegisters(context, registerNumber(registerFile, 'pc')));
  }

  /** The stack data that it writes; `undefined` when there is none. */
  stackData(instance = 0): StackValues | undefined {
    const decoded = decodeStack(this.#read(stack, instance));
    return decoded === undefined
      ? undefined
      : { data: decoded.data, offset: decoded.offset, setSp: decoded.setSp };
  }

  /** Replaces the stack data, in one step; `null` removes it. */
  setStackData(stackData: StackValues | null, instance = 0): void {
    this.#write(stack, instance, encodeStack(parseStack(stackData)));
  }

  /** The only PCs that registers may have; `undefined` when there is no list. */
  allowedPcs(instance = 0): readonly bigint[] | undefined {
    return decodeAllowedPcs(this.#read(allowedPcs, instance));
  }

  /** Replaces the list of allowed PCs; `null` removes it. Registers that stand are not checked again. */
  setAllowedPcs(pcs: readonly bigint[] | null, instance = 0): void {
    this.#write(allowedPcs, instance, encodeAllowedPcs(parseAllowedPcs(pcs)));
  }

  /** The only address ranges that callers may lie in, of a slow object; `undefined` when there are none. */
  allowedCallers(instance = 0): readonly CallerRange[] | undefined {
    return decodeAllowedCallers(this.#read(allowedCallers, instance));
  }

  /** Replaces the ranges that callers may lie in, of a slow object; `null` removes them. */
  setAllowedCallers(ranges: readonly CallerRange[] | null, instance = 0): void {
    this.#write(allowedCallers, instance, encodeAllowedCallers(parseCallerRanges(ranges)));
  }

  /** Maps the object into this process; as often as one likes. */
  map(): TrampolineMapping {
    const attempt = 'map a trampoline descriptor';
    const objectMap = objectBackend().map(this.fd);
    const base = mapObject(this.fd, objectMap, attempt);
    const maxInstance = Math.floor(objectMap.size / objectMap.stride) - 1;
    const addressOf = (instance: number) =>
      base +
      BigInt(
        objectMap.ioffset + integerInRange(instance, 'instance', { max: maxInstance }) * objectMap.stride,
      );
    return { address: addressOf(0), addressOf, unmap: () => munmap(base, objectMap.size) };
  }

  /** Closes the descriptor. What is mapped, or held by others, stays. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    close(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #read(context: number, instance: number): Uint8Array {
    const contextId = { context, instance: integerInRange(instance, 'instance', { max: abi.maxCount - 1 }) };
    const bytes = objectBackend().read(this.fd, contextId);
    return bytes.subarray(0, contextLength(context, bytes));
  }

  #write(context: number, instance: number, bytes: Uint8Array): void {
    const contextId = { context, instance: integerInRange(instance, 'instance', { max: abi.maxCount - 1 }) };
    objectBackend().write(this.fd, contextId, bytes);
  }
}

/** Outside the class: esbuild gives one that names itself another name, which users would see. */
function objectFromFd(fd: number): TrampolineObject {
  return new TrampolineObject(fd);
}
