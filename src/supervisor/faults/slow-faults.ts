/** Handles faults at slow objects: finds the object and lets its type perform the invocation. */

import { SyscallError } from '../../abi/syscall-error.js';
import { hex } from '../../core/bits.js';
import { processVmReadv, processVmWritev } from '../../linux/mm/process-vm.js';
import type { MappingQuery } from '../../linux/process/procmap-query.js';
import { getSiginfo, growStack, RegisterSet } from '../../linux/process/ptrace.js';
import { errnoName } from '../../native/errno.js';
import type { SyscallToTracer } from '../messages.js';
import { ContextStore } from '../objects/instance-contexts.js';
import { objectType } from '../objects/types/index.js';
import type { TargetInfo } from '../objects/types/object-type.js';
import type { PolicyEnforcer } from '../policy/policy-enforcer.js';
import { writeLine } from '../process/write-line.js';

type SlowObject = Extract<SyscallToTracer, { kind: 'object' }>;

/** A thread stopped by a fault. */
export interface FaultedThread {
  readonly tid: number;
  readonly mappings: MappingQuery;
}

export class SlowFaultHandler {
  readonly #targetInfo: TargetInfo;
  readonly #policyEnforcer: PolicyEnforcer;
  readonly #onRejected: (tid: number, address: bigint, reason: string) => void;
  /** Reads pending messages about objects. */
  readonly #refreshObjects: () => void;
  readonly #objects = new Map<string, { readonly object: SlowObject; readonly contexts: ContextStore }>();
  readonly #registers: RegisterSet;

  constructor(
    targetInfo: TargetInfo,
    policyEnforcer: PolicyEnforcer,
    hooks: { onRejected(tid: number, address: bigint, reason: string): void; refreshObjects(): void },
  ) {
    this.#targetInfo = targetInfo;
    this.#policyEnforcer = policyEnforcer;
    this.#onRejected = hooks.onRejected;
    this.#refreshObjects = hooks.refreshObjects;
    this.#registers = new RegisterSet(targetInfo.machine.linux.userRegs.size);
  }

  add(object: SlowObject): void {
    const contexts = new ContextStore(object.contextMemory, this.#targetInfo.registerNumbers);
    this.#objects.set(object.fileKey, { object, contexts });
  }

  remove(fileKey: string): void {
    this.#objects.delete(fileKey);
  }

  /** Performs the invocation if the fault is one. @returns whether it did; the signal is suppressed then */
  handle({ tid, mappings }: FaultedThread): boolean {
    const siginfo = getSiginfo(tid);
    // A process sent the signal, so the registers have nothing to do with it.
    if (siginfo === undefined || siginfo.code <= 0) return false;
    const { userRegs } = this.#targetInfo.machine.linux;
    if (!this.#registers.read(tid)) return false;
    const registers = this.#registers.view;
    const address = registers.getBigUint64(userRegs.pc, true);
    if (address !== siginfo.address) return false;
    const instance = this.#findInstance(address, mappings);
    if (instance === undefined) return false;
    const { object, contexts, index } = instance;
    try {
      objectType(object.type)!.invoke!({
        contexts,
        index,
        registers,
        targetInfo: this.#targetInfo,
        readMemory: (start, length) => readMemory(tid, start, length),
        writeMemory: (start, bytes) => writeMemory(tid, start, bytes),
        assertTargetAllowed: (pc) => this.#policyEnforcer.assertTargetAllowed(pc, tid),
      });
    } catch (error) {
      const { message, stack } = error as Error;
      this.#onRejected(tid, address, message);
      if (!(error instanceof SyscallError))
        writeLine(2, `trampfd: internal error in an invocation: ${stack}`);
      return false;
    }
    return this.#registers.write(tid);
  }

  #findInstance(address: bigint, mappings: MappingQuery) {
    const mapping = mappings.mappingAt(address);
    if (mapping === undefined || mapping.executable) return undefined;
    if (!this.#objects.has(mapping.file)) this.#refreshObjects();
    const entry = this.#objects.get(mapping.file);
    if (entry === undefined) return undefined;
    const { object, contexts } = entry;
    const objectOffset = address - mapping.start + mapping.offset - object.base;
    const index = Number(objectOffset / BigInt(object.stride));
    const isStart = objectOffset % BigInt(object.stride) === 0n;
    return objectOffset >= 0n && isStart && index < object.count ? { object, contexts, index } : undefined;
  }
}

function readMemory(tid: number, address: bigint, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  assertNoError(processVmReadv(tid, address, bytes), address);
  return bytes;
}

function writeMemory(tid: number, address: bigint, bytes: Uint8Array): void {
  let errno = processVmWritev(tid, address, bytes);
  if (errno !== 0) {
    // Since Linux 6.5, process_vm_writev does not grow stacks.
    growStack(tid, address);
    errno = processVmWritev(tid, address, bytes);
  }
  assertNoError(errno, address);
}

function assertNoError(errno: number, address: bigint): void {
  if (errno !== 0) throw new SyscallError('EFAULT', `${hex(address)}: ${errnoName(errno)}`);
}
