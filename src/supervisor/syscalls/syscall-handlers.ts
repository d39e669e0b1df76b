/** Implements the system calls on objects: `trampfd_create`, `pread`, `pwrite` and `mmap`. */

import { contextLengthRanges } from '../../abi/decode-contexts.js';
import { abi, structs } from '../../abi/layout.js';
import { encodeMap } from '../../abi/object-map.js';
import { SyscallError } from '../../abi/syscall-error.js';
import { hex } from '../../core/bits.js';
import { fileKeyOfFd } from '../../linux/fs/statx.js';
import { MAP_SHARED } from '../../linux/mm/memory.js';
import { isResourceExhausted } from '../../native/errno.js';
import { ManagedObject, type ObjectStore } from '../objects/objects.js';
import { objectType } from '../objects/types/index.js';
import type { TargetInfo } from '../objects/types/object-type.js';
import type { PolicyEnforcer } from '../policy/policy-enforcer.js';
import type { AbiName } from './filter.js';
import type { Outcome, Syscall } from './syscall.js';

/** Mask of the mapping type. <linux/mman.h> */
const MAP_TYPE = 15;
const { allowedCallers, map } = abi.contexts;
const continueSyscall: Outcome = { kind: 'continue', isTrampfd: true };

export interface SyscallHandlerOptions {
  readonly targetInfo: TargetInfo;
  readonly objects: ObjectStore;
  readonly policyEnforcer: PolicyEnforcer;
  /** Requests tracing of the caller's process. @returns whether it is already traced */
  readonly ensureTraced: (syscall: Syscall) => boolean;
  /** Reports a new slow object to the tracer. */
  readonly registerSlowObject: (object: ManagedObject) => void;
  /** Removes all unused objects. @returns how many */
  readonly collectUnused: () => number;
  /** Discards an object whose fd could not be delivered. */
  readonly rollback: (object: ManagedObject) => void;
}

export class SyscallHandlers {
  readonly #options: SyscallHandlerOptions;
  readonly #handlers: ReadonlyMap<number, (syscall: Syscall) => Outcome>;

  constructor(options: SyscallHandlerOptions, abiName: AbiName) {
    this.#options = options;
    const { pread64, pwrite64, mmap, process_madvise } = options.targetInfo.machine.linux.systemCalls;
    const handlers: [number, (syscall: Syscall) => Outcome][] = [
      [abi.createNumber, (syscall) => this.#create(syscall, abi.offsetBase)],
      [pread64, (syscall) => this.#accessContext(syscall, this.#readContext)],
      [pwrite64, (syscall) => this.#accessContext(syscall, this.#writeContext)],
      [mmap, (syscall) => this.#mmap(syscall)],
    ];
    if (abiName === 'rfc-v1') handlers.push([process_madvise, (syscall) => this.#create(syscall, 0n)]);
    this.#handlers = new Map(handlers);
  }

  /** @throws SyscallError, CallerExited */
  handle(syscall: Syscall): Outcome {
    return this.#handlers.get(syscall.number)?.(syscall) ?? continueSyscall;
  }

  /** `int trampfd_create(int type, const void *data, unsigned int flags)` */
  #create(syscall: Syscall, base: bigint): Outcome {
    const { targetInfo, objects, policyEnforcer, ensureTraced, registerSlowObject, collectUnused, rollback } =
      this.#options;
    const type = objectType(syscall.intArg(0));
    if (type === undefined) throw new SyscallError('EINVAL', `unknown type ${syscall.intArg(0)}`);
    if (syscall.uintArg(2) !== 0) throw new SyscallError('EINVAL', 'flags is not 0');
    if (syscall.args[1] === 0n) throw new SyscallError('EINVAL', 'data is NULL');
    const data = syscall.readMemory(syscall.args[1]!, type.dataSize);
    const layout = type.createLayout(new DataView(data.buffer, 0, data.length), targetInfo);
    policyEnforcer.assertTypeAllowed(type, layout);
    if (policyEnforcer.atObjectLimit(objects.size) && collectUnused() === 0) policyEnforcer.rejectObject();
    if (layout.slow && !ensureTraced(syscall)) return { kind: 'deferred' };
    const object = this.#createObject(() => new ManagedObject(type, layout, base, targetInfo));
    if (layout.slow) registerSlowObject(object);
    return {
      kind: 'fd',
      fd: object.file.clientFd,
      onDelivered: (remoteFd) => {
        object.file.closeClientFd();
        if (remoteFd < 0) rollback(object);
        else objects.add(object);
      },
    };
  }

  #createObject(factory: () => ManagedObject, retry = true): ManagedObject {
    try {
      return factory();
    } catch (error) {
      // Unused objects may hold the exhausted resource.
      if (retry && isResourceExhausted(error) && this.#options.collectUnused() > 0)
        return this.#createObject(factory, false);
      const { code, message } = error as { code?: string; message: string };
      if (code === 'EMFILE' || code === 'ENFILE') throw new SyscallError('ENFILE', message);
      if (code === 'EFBIG') throw new SyscallError('EFBIG', message);
      if (isResourceExhausted(error)) throw new SyscallError('ENOMEM', message);
      throw error;
    }
  }

  #findObject(syscall: Syscall, fd: number): ManagedObject | undefined {
    const fileKey = fileKeyOfFd(syscall.tid, fd);
    if (fileKey === undefined) return undefined;
    syscall.assertPending();
    return this.#options.objects.find(fileKey);
  }

  /** Handles `pread` and `pwrite`: finds the object, instance and context at the offset. */
  #accessContext(syscall: Syscall, access: (syscall: Syscall, target: ContextTarget) => void): Outcome {
    const object = this.#findObject(syscall, syscall.intArg(0));
    const offset = syscall.args[3]!;
    const isLegacyOffset = offset < 256n;
    // Contexts of the first proposal's objects are at offsets from 0, those of others at TRAMPFD_OFFSET_BASE.
    if (isLegacyOffset && object?.base !== 0n) return { kind: 'continue', isTrampfd: false };
    if (object === undefined) return continueSyscall;
    const contextOffset = Number(BigInt.asUintN(32, offset));
    const index = contextOffset >>> abi.instanceShift;
    if (index >= object.layout.count) {
      throw new SyscallError(
        'EINVAL',
        `instance ${index} is out of range: the object has ${object.layout.count}`,
      );
    }
    const [buffer, length] = [syscall.args[1]!, syscall.args[2]!];
    if (buffer === 0n || length === 0n) throw new SyscallError('EINVAL', 'buffer is NULL or length is 0');
    access.call(this, syscall, { object, index, context: contextOffset & ((1 << abi.instanceShift) - 1) });
    return { kind: 'value', value: length };
  }

  #readContext(syscall: Syscall, { object, index, context }: ContextTarget): void {
    const [buffer, length] = [syscall.args[1]!, syscall.args[2]!];
    if (context === map) {
      if (length !== BigInt(structs.trampfd_map.size)) {
        throw new SyscallError(
          'EINVAL',
          `the length is ${length}; struct trampfd_map has ${structs.trampfd_map.size} bytes`,
        );
      }
      syscall.writeMemory(buffer, encodeMap(object.map));
    } else {
      assertContextLength(object, context, length);
      syscall.writeMemory(buffer, object.contexts!.get(index, context).subarray(0, Number(length)));
    }
  }

  #writeContext(syscall: Syscall, { object, index, context }: ContextTarget): void {
    const { targetInfo, policyEnforcer } = this.#options;
    assertContextLength(object, context, syscall.args[2]!);
    const contexts = object.contexts!;
    const update = contexts.decode(context, syscall.readMemory(syscall.args[1]!, Number(syscall.args[2]!)));
    const { registers } = update.decoded;
    if (registers !== undefined) {
      const { allowedPcs: allowed } = contexts.read(index);
      if (allowed?.includes(registers.pc) === false) {
        throw new SyscallError('EINVAL', `${hex(registers.pc)} is not an allowed PC`);
      }
      policyEnforcer.assertRegistersAllowed(registers.pc, allowed, syscall.tid);
      if (!object.layout.slow) assertFastShape(registers.assignments, targetInfo);
    }
    object.update(index, update);
  }

  /** Checks `mmap`, which the kernel executes. From then on the caller must be traced if the object is slow. */
  #mmap(syscall: Syscall): Outcome {
    const object = this.#findObject(syscall, syscall.intArg(4));
    if (object === undefined) return continueSyscall;
    const { size, prot, offsetPage } = object.map;
    const request = { length: syscall.args[1]!, prot: syscall.uintArg(2), flags: syscall.uintArg(3) };
    const expectedOffset = object.base + BigInt(offsetPage * this.#options.targetInfo.pageSize);
    if (syscall.args[5] !== expectedOffset || request.length !== BigInt(size)) {
      throw new SyscallError('EINVAL', 'offset or length differ from the map');
    }
    if (request.prot !== prot)
      throw new SyscallError('EINVAL', `the protection is ${request.prot}, not ${prot}`);
    // MAP_SHARED_VALIDATE includes this bit; the kernel checks its other flags.
    if ((request.flags & MAP_TYPE & MAP_SHARED) === 0)
      throw new SyscallError('EINVAL', 'flags lack MAP_SHARED');
    if (object.layout.slow && !this.#options.ensureTraced(syscall)) return { kind: 'deferred' };
    return continueSyscall;
  }
}

interface ContextTarget {
  readonly object: ManagedObject;
  readonly index: number;
  readonly context: number;
}

function assertContextLength(object: ManagedObject, context: number, length: bigint): void {
  const lengthRange = contextLengthRanges[context];
  if (context === allowedCallers && !object.layout.slow) {
    throw new SyscallError('EINVAL', 'only slow objects have allowed callers');
  }
  if (lengthRange === undefined || !object.layout.contexts.includes(context)) {
    throw new SyscallError('EINVAL', `${object.type.name} has no context ${context} to read or write`);
  }
  if (length < BigInt(lengthRange.min) || length > BigInt(lengthRange.max)) {
    throw new SyscallError(
      'EINVAL',
      `the context has ${lengthRange.min} to ${lengthRange.max} bytes, not ${length}`,
    );
  }
}

function assertFastShape(
  assignments: readonly { readonly register: number }[],
  { machine }: TargetInfo,
): void {
  const shape = { registers: assignments.map(({ register }) => register), stack: undefined };
  try {
    machine.trampolines.assertShape(shape, 'regs');
  } catch (error) {
    throw new SyscallError('EINVAL', (error as Error).message);
  }
}
