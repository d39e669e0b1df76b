/** The proposal's own object, for TypeScript: a descriptor with contexts, to map, to hand on, to close. */
import {
  contextLength,
  decodeAllowedCallers,
  decodeAllowedPcs,
  decodeRegisters,
  decodeStack,
  registerNames,
} from '../abi/contexts.js';
import {
  encodeAllowedCallers,
  encodeAllowedPcs,
  encodeRegisters,
  encodeStack,
  encodeUser,
} from '../abi/encode.js';
import { abi } from '../abi/layout.js';
import { receiveDescriptor, sendDescriptor } from '../linux/descriptor-passing.js';
import { close } from '../linux/descriptors.js';
import { thisMachine } from '../linux/host.js';
import { munmap } from '../linux/memory.js';
import { mapObject } from '../linux/trampfd-create.js';
import {
  allowedPcList,
  type CallerRange,
  callerRanges,
  checkAllowed,
  type RegisterValues,
  registerContext,
  type StackValues,
  stackContext,
} from '../trampoline/contexts.js';
import { TrampfdError } from '../trampoline/errors.js';
import { registerName, registerNumber } from '../trampoline/registers.js';
import { options as checkNames, integer, oneOf } from '../trampoline/values.js';
import { host } from './hosts.js';

export interface TrampolineDescriptorOptions {
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
 * import { createTrampolineDescriptor, symbolAddress } from 'trampfd';
 *
 * const object = createTrampolineDescriptor();
 * object.setRegisters({ pc: symbolAddress('memcmp'), arg2: 8n });
 * const { address } = object.map();
 * console.log(`call 0x${address.toString(16)} with two pointers`);
 * object.close(); // the mapping stays, and the object with it
 * ```
 * @throws TypeError, RangeError for wrong options
 * @throws TrampfdError when the system or the supervisor's policy refuses
 */
export function createTrampolineDescriptor(options: TrampolineDescriptorOptions = {}): TrampolineDescriptor {
  const given = checkNames(options, 'options', ['mode', 'count']);
  const slow = oneOf(given.mode, 'mode', ['fast', 'slow']) === 'slow';
  const count = integer(given.count ?? 1, 'count', { from: 1, to: abi.maxCount });
  return TrampolineDescriptor.fromFd(host().create(abi.types.user, encodeUser({ slow, count })));
}

const { regs, stack, allowedPcs, allowedCallers } = abi.contexts;

/**
 * One object; made by {@link createTrampolineDescriptor}. What is about one of its trampolines takes the number of the
 * instance, by default 0. Wrong values are `TypeError` or `RangeError`; what the system or a policy refuses, and the use of
 * a closed descriptor (`ERR_CLOSED`), is a `TrampfdError`. Nothing has changed then.
 */
export class TrampolineDescriptor {
  readonly #fd: number;
  #open = true;

  /** @internal */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Takes over a descriptor that came otherwise: it is closed by `close`. */
  static fromFd(fd: number): TrampolineDescriptor {
    return descriptor(integer(fd, 'fd', { to: 2 ** 31 - 1 }));
  }

  /**
   * Waits for a descriptor that somebody sends through a Unix socket.
   * @param socketFd the socket's descriptor; of a `net.Socket` that Node reads from it is of no use
   */
  static receive(socketFd: number): TrampolineDescriptor {
    const fd = integer(socketFd, 'socketFd', { to: 2 ** 31 - 1 });
    return descriptor(receiveDescriptor(fd, 'receive a trampoline descriptor'));
  }

  /** The descriptor: to hand to a child, by its number among `stdio`. */
  get fd(): number {
    if (!this.#open) {
      throw new TrampfdError('Cannot use a trampoline descriptor: it is closed', { code: 'ERR_CLOSED' });
    }
    return this.#fd;
  }

  /** Sends the descriptor through a Unix socket. This one stays open. */
  send(socketFd: number): void {
    const socket = integer(socketFd, 'socketFd', { to: 2 ** 31 - 1 });
    sendDescriptor(socket, this.fd, 'send a trampoline descriptor');
  }

  /** The registers by the architecture's own names; `undefined` when none are set, and then a call traps. */
  registers(instance = 0): RegisterValues | undefined {
    const file = thisMachine().registerFile;
    const found = decodeRegisters(this.#read(regs, instance), registerNames(file));
    if (found === undefined) return undefined;
    const loads = found.loads.map(({ register, value }) => [registerName(file, register), value]);
    return { pc: found.pc, ...Object.fromEntries(loads) };
  }

  /** Sets all registers in one step, also for threads that invoke the trampoline meanwhile; `null` removes them. */
  setRegisters(registers: RegisterValues | null, instance = 0): void {
    const file = thisMachine().registerFile;
    const context = registers === null ? undefined : registerContext(registers, file);
    if (context !== undefined) checkAllowed(context.pc, this.allowedPcs(instance));
    this.#write(regs, instance, encodeRegisters(context, registerNumber(file, 'pc')));
  }

  /** The stack data that it writes; `undefined` when there is none. */
  stack(instance = 0): StackValues | undefined {
    const found = decodeStack(this.#read(stack, instance));
    return found === undefined ? undefined : { data: found.data, offset: found.offset, setSp: found.setSp };
  }

  /** Replaces the stack data, in one step; `null` removes it. */
  setStack(values: StackValues | null, instance = 0): void {
    this.#write(stack, instance, encodeStack(stackContext(values)));
  }

  /** The only PCs that registers may have; `undefined` when there is no list. */
  allowedPcs(instance = 0): readonly bigint[] | undefined {
    return decodeAllowedPcs(this.#read(allowedPcs, instance));
  }

  /** Replaces the list of allowed PCs; `null` removes it. Registers that stand are not checked again. */
  setAllowedPcs(list: readonly bigint[] | null, instance = 0): void {
    this.#write(allowedPcs, instance, encodeAllowedPcs(allowedPcList(list)));
  }

  /** The only address ranges that callers may lie in, of a slow object; `undefined` when there are none. */
  allowedCallers(instance = 0): readonly CallerRange[] | undefined {
    return decodeAllowedCallers(this.#read(allowedCallers, instance));
  }

  /** Replaces the ranges that callers may lie in, of a slow object; `null` removes them. */
  setAllowedCallers(list: readonly CallerRange[] | null, instance = 0): void {
    this.#write(allowedCallers, instance, encodeAllowedCallers(callerRanges(list)));
  }

  /** Maps the object into this process; as often as one likes. */
  map(): TrampolineMapping {
    const attempt = 'map a trampoline descriptor';
    const map = host().map(this.fd);
    const base = mapObject(this.fd, map, attempt);
    const most = Math.floor(map.size / map.stride) - 1;
    const addressOf = (instance: number) =>
      base + BigInt(map.ioffset + integer(instance, 'instance', { to: most }) * map.stride);
    return { address: addressOf(0), addressOf, unmap: () => munmap(base, map.size) };
  }

  /** Closes the descriptor. What is mapped, or held by others, stays. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    close(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #read(context: number, instance: number): Uint8Array {
    const place = { context, instance: integer(instance, 'instance', { to: abi.maxCount - 1 }) };
    const bytes = host().read(this.fd, place);
    return bytes.subarray(0, contextLength(context, bytes));
  }

  #write(context: number, instance: number, bytes: Uint8Array): void {
    const place = { context, instance: integer(instance, 'instance', { to: abi.maxCount - 1 }) };
    host().write(this.fd, place, bytes);
  }
}

/** Outside the class: esbuild gives one that names itself another name, which users would see. */
function descriptor(fd: number): TrampolineDescriptor {
  return new TrampolineDescriptor(fd);
}
