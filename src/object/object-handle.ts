import {
  contextLength,
  decodeAllowedCallers,
  decodeAllowedPcs,
  decodeRegisters,
  decodeStack,
  registerNumbersOf,
} from '../abi/decode-contexts.js';
import { encodeAllowedCallers, encodeAllowedPcs, encodeRegisters, encodeStack } from '../abi/encode.js';
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
import { inspectLine, inspectSymbol } from '../core/inspect.js';
import { registerName, registerNumber } from '../core/registers.js';
import { integerInRange } from '../core/validate.js';
import { close } from '../linux/fs/fds.js';
import { sendFd } from '../linux/fs/scm-rights.js';
import { munmap } from '../linux/mm/memory.js';
import { mapObject } from '../linux/trampfd-syscall.js';
import { hostMachine } from '../native/host.js';
import { objectBackend } from './object-backend.js';
import type { TrampolineMapping, TrampolineObject } from './types.js';

const { regs, stack, allowedPcs, allowedCallers } = abi.contexts;

export class ObjectHandle implements TrampolineObject {
  readonly #fd: number;
  #isOpen = true;

  constructor(fd: number) {
    this.#fd = fd;
  }

  get fd(): number {
    return this.#isOpen ? this.#fd : -1;
  }

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

  setRegisters(registers: RegisterValues | null, instance = 0): void {
    const registerFile = hostMachine().registerFile;
    const context = registers === null ? undefined : parseRegisters(registers, registerFile);
    if (context !== undefined) assertAllowedPc(context.pc, this.allowedPcs(instance));
    this.#write(regs, instance, encodeRegisters(context, registerNumber(registerFile, 'pc')));
  }

  stackData(instance = 0): StackValues | undefined {
    const decoded = decodeStack(this.#read(stack, instance));
    return decoded === undefined
      ? undefined
      : { data: decoded.data, offset: decoded.offset, setSp: decoded.setSp };
  }

  setStackData(stackData: StackValues | null, instance = 0): void {
    this.#write(stack, instance, encodeStack(parseStack(stackData)));
  }

  allowedPcs(instance = 0): readonly bigint[] | undefined {
    return decodeAllowedPcs(this.#read(allowedPcs, instance));
  }

  setAllowedPcs(pcs: readonly bigint[] | null, instance = 0): void {
    this.#write(allowedPcs, instance, encodeAllowedPcs(parseAllowedPcs(pcs)));
  }

  allowedCallers(instance = 0): readonly CallerRange[] | undefined {
    return decodeAllowedCallers(this.#read(allowedCallers, instance));
  }

  setAllowedCallers(ranges: readonly CallerRange[] | null, instance = 0): void {
    this.#write(allowedCallers, instance, encodeAllowedCallers(parseCallerRanges(ranges)));
  }

  map(): TrampolineMapping {
    const fd = this.#openFd('map');
    const objectMap = objectBackend().map(fd);
    const base = mapObject(fd, objectMap, 'map a trampoline object');
    const maxInstance = Math.floor(objectMap.size / objectMap.stride) - 1;
    const addressOf = (instance: number) =>
      base +
      BigInt(
        objectMap.ioffset + integerInRange(instance, 'instance', { max: maxInstance }) * objectMap.stride,
      );
    return { address: addressOf(0), addressOf, unmap: () => munmap(base, objectMap.size) };
  }

  send(socketFd: number): void {
    const socket = integerInRange(socketFd, 'socketFd', { max: 2 ** 31 - 1 });
    sendFd(socket, this.#openFd('send'), 'send a trampoline object');
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    close(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [inspectSymbol](): string {
    return inspectLine('TrampolineObject', this.#isOpen ? { fd: this.#fd } : { closed: true });
  }

  #openFd(verb: string): number {
    if (this.#isOpen) return this.#fd;
    throw new TrampfdError(`Cannot ${verb} a trampoline object: it is closed`, {
      code: 'ERR_TRAMPFD_CLOSED',
    });
  }

  #read(context: number, instance: number): Uint8Array {
    const contextId = { context, instance: integerInRange(instance, 'instance', { max: abi.maxCount - 1 }) };
    const bytes = objectBackend().read(this.#openFd('read'), contextId);
    return bytes.subarray(0, contextLength(context, bytes));
  }

  #write(context: number, instance: number, bytes: Uint8Array): void {
    const contextId = { context, instance: integerInRange(instance, 'instance', { max: abi.maxCount - 1 }) };
    objectBackend().write(this.#openFd('change'), contextId, bytes);
  }
}
