/**
 * Who keeps the objects of a {@link TrampolineObject}: the supervisor that runs this program, or, where there
 * is none, this process, for itself and for those to whom it hands descriptors.
 */
import { fstatSync } from 'node:fs';
import { contextLengthRanges, registerNumbersOf } from '../abi/decode-contexts.js';
import { abi } from '../abi/layout.js';
import type { ObjectMap } from '../abi/object-map.js';
import { SyscallError } from '../abi/syscall-error.js';
import { TrampfdError } from '../core/errors.js';
import { fileKeyOfFd } from '../linux/fs/statx.js';
import { MAP_SHARED, PROT_EXEC, PROT_READ, pageSize } from '../linux/mm/memory.js';
import {
  type ContextId,
  isSupervised,
  readContext,
  readObjectMap,
  requireSupervisor,
  trampfd_create,
  writeContext,
} from '../linux/trampfd-syscall.js';
import { hostMachine } from '../native/host.js';
import { ManagedObject, ObjectStore } from '../supervisor/objects/objects.js';
import { objectType } from '../supervisor/objects/types/index.js';

export interface ObjectBackend {
  /** @param data what `trampfd_create` is given. @returns a descriptor */
  create(typeNumber: number, data: Uint8Array): number;
  map(fd: number): ObjectMap;
  read(fd: number, contextId: ContextId): Uint8Array;
  write(fd: number, contextId: ContextId, bytes: Uint8Array): void;
}

/** The host for this process. */
export function objectBackend(): ObjectBackend {
  return isSupervised() ? supervisorBackend : getInProcessBackend();
}

const attempt = 'use a trampoline descriptor';

/** Objects to look at, for each new one, whether anybody still uses them. */
const sweepBudget = 8;

const supervisorBackend: ObjectBackend = {
  create: (typeNumber, data) => trampfd_create(typeNumber, data, 'make a trampoline descriptor'),
  map: (fd) => readObjectMap(fd, attempt),
  read: (fd, contextId) => readContext(fd, contextId, contextLengthRanges[contextId.context]!.max, attempt),
  write: (fd, contextId, bytes) => writeContext(fd, contextId, bytes, attempt),
};

let inProcessBackend: InProcessBackend | undefined;

function getInProcessBackend(): ObjectBackend {
  inProcessBackend ??= new InProcessBackend();
  return inProcessBackend;
}

/** Slow objects need a tracer, so this has fast ones only. */
class InProcessBackend implements ObjectBackend {
  readonly #objects = new ObjectStore();
  readonly #targetInfo = {
    machine: hostMachine(),
    registerNumbers: registerNumbersOf(hostMachine().registerFile),
    pageSize: pageSize(),
  };

  create(typeNumber: number, data: Uint8Array): number {
    const resolvedType = objectType(typeNumber)!;
    const layout = resolvedType.createLayout(
      new DataView(data.buffer, data.byteOffset, data.length),
      this.#targetInfo,
    );
    if (layout.slow) requireSupervisor('make a slow trampoline descriptor');
    this.#objects.collectUnused(sweepBudget);
    const object = new ManagedObject(resolvedType, layout, abi.offsetBase, this.#targetInfo);
    this.#objects.add(object);
    return object.file.clientFd;
  }

  /** An object of another process can be mapped, too: where its instances stand does not depend on what it is told. */
  map(fd: number): ObjectMap {
    const fileKey = fileKeyOfFd('self', fd);
    const object = fileKey === undefined ? undefined : this.#objects.find(fileKey);
    if (object !== undefined) return object.map;
    const length = fstatSync(fd, { bigint: true }).size - abi.offsetBase;
    if (length <= 0n) throw notTrampfdError(fd);
    const { firstOffset, stride } = this.#targetInfo.machine.supervised.entries;
    return {
      size: Number(length),
      prot: PROT_READ | PROT_EXEC,
      flags: MAP_SHARED,
      offsetPage: 0,
      ioffset: firstOffset,
      stride,
    };
  }

  read(fd: number, { context, instance }: ContextId): Uint8Array {
    return this.#findObjectWithContexts(fd, { context, instance }).contexts!.get(instance, context);
  }

  write(fd: number, { context, instance }: ContextId, bytes: Uint8Array): void {
    try {
      const object = this.#findObjectWithContexts(fd, { context, instance });
      object.update(instance, object.contexts!.decode(context, bytes));
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      throw new TrampfdError(`Cannot change a trampoline: ${error.message}`, { code: error.code });
    }
  }

  #findObjectWithContexts(fd: number, { context, instance }: ContextId): ManagedObject {
    const object = this.#findObject(fd);
    if (context === abi.contexts.allowedCallers) {
      const message = `Cannot ${attempt}: allowed callers are for slow ones`;
      throw new TrampfdError(message, { code: 'EINVAL' });
    }
    if (object.contexts === undefined) throw new TypeError(`${object.type.name} has no contexts`);
    if (instance >= object.layout.count) {
      throw new RangeError(`there is no instance ${instance}; the object has ${object.layout.count}`);
    }
    return object;
  }

  #findObject(fd: number): ManagedObject {
    const fileKey = fileKeyOfFd('self', fd);
    const object = fileKey === undefined ? undefined : this.#objects.find(fileKey);
    if (object !== undefined) return object;
    throw notTrampfdError(fd);
  }
}

function notTrampfdError(fd: number): TrampfdError {
  const message = `Cannot ${attempt}: descriptor ${fd} is of no object that this process made`;
  return new TrampfdError(message, { code: 'ERR_NOT_OURS' });
}
