/** Storage of trampoline objects: the supervisor that runs this program or, without one, this process itself. */
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
  /** Creates an object. @param data the second argument of `trampfd_create`. @returns an fd */
  create(typeNumber: number, data: Uint8Array): number;
  map(fd: number): ObjectMap;
  read(fd: number, contextId: ContextId): Uint8Array;
  write(fd: number, contextId: ContextId, bytes: Uint8Array): void;
}

export function objectBackend(): ObjectBackend {
  return isSupervised() ? supervisorBackend : getInProcessBackend();
}

const readAttempt = 'read a trampoline object';
const writeAttempt = 'change a trampoline object';

/** Objects to check for remaining users, each time one is created. */
const sweepBudget = 8;

const supervisorBackend: ObjectBackend = {
  create: (typeNumber, data) => trampfd_create(typeNumber, data, 'create a trampoline object'),
  map: (fd) => readObjectMap(fd, readAttempt),
  read: (fd, contextId) =>
    readContext(fd, contextId, contextLengthRanges[contextId.context]!.max, readAttempt),
  write: (fd, contextId, bytes) => writeContext(fd, contextId, bytes, writeAttempt),
};

let inProcessBackend: InProcessBackend | undefined;

function getInProcessBackend(): ObjectBackend {
  inProcessBackend ??= new InProcessBackend();
  return inProcessBackend;
}

/** Fast objects only: slow objects need a tracer. */
class InProcessBackend implements ObjectBackend {
  readonly #objects = new ObjectStore();
  readonly #targetInfo = {
    machine: hostMachine(),
    registerNumbers: registerNumbersOf(hostMachine().registerFile),
    pageSize: pageSize(),
  };

  create(typeNumber: number, data: Uint8Array): number {
    const type = objectType(typeNumber)!;
    const layout = type.createLayout(
      new DataView(data.buffer, data.byteOffset, data.length),
      this.#targetInfo,
    );
    if (layout.slow) requireSupervisor('create a slow trampoline object');
    this.#objects.collectUnused(sweepBudget);
    const object = new ManagedObject(type, layout, abi.offsetBase, this.#targetInfo);
    this.#objects.add(object);
    return object.file.clientFd;
  }

  /** Also for an object of another process, since the places of its instances do not depend on its contexts. */
  map(fd: number): ObjectMap {
    const object = this.#find(fd);
    if (object !== undefined) return object.map;
    const length = fstatSync(fd, { bigint: true }).size - abi.offsetBase;
    if (length <= 0n) throw notAnObject(readAttempt, fd);
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

  read(fd: number, contextId: ContextId): Uint8Array {
    const { contexts } = this.#findWithContexts(readAttempt, fd, contextId);
    return contexts!.get(contextId.instance, contextId.context);
  }

  write(fd: number, contextId: ContextId, bytes: Uint8Array): void {
    try {
      const object = this.#findWithContexts(writeAttempt, fd, contextId);
      object.update(contextId.instance, object.contexts!.decode(contextId.context, bytes));
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      throw new TrampfdError(`Cannot ${writeAttempt}: ${error.message}`, { code: error.code });
    }
  }

  #findWithContexts(attempt: string, fd: number, { context, instance }: ContextId): ManagedObject {
    const object = this.#find(fd);
    if (object === undefined) throw notAnObject(attempt, fd);
    if (context === abi.contexts.allowedCallers) {
      const message = `Cannot ${attempt}: only slow objects have allowed callers`;
      throw new TrampfdError(message, { code: 'EINVAL' });
    }
    if (object.contexts === undefined) throw new TypeError(`${object.type.name} has no contexts`);
    if (instance >= object.layout.count) {
      throw new RangeError(
        `instance ${instance} is out of range: the object has ${object.layout.count} instances`,
      );
    }
    return object;
  }

  #find(fd: number): ManagedObject | undefined {
    const fileKey = fileKeyOfFd('self', fd);
    return fileKey === undefined ? undefined : this.#objects.find(fileKey);
  }
}

function notAnObject(attempt: string, fd: number): TrampfdError {
  const message = `Cannot ${attempt}: fd ${fd} is not a trampoline object of this process`;
  return new TrampfdError(message, { code: 'ERR_TRAMPFD_NOT_TRAMPFD' });
}
