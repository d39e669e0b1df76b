/**
 * Who keeps the objects of a {@link TrampolineDescriptor}: the supervisor that runs this program, or, where there
 * is none, this process, for itself and for those to whom it hands descriptors.
 */
import { contextLengths, registerNames } from '../abi/contexts.js';
import { abi } from '../abi/layout.js';
import { Refusal } from '../abi/refusal.js';
import { fileBehind } from '../linux/file-identity.js';
import { thisMachine } from '../linux/host.js';
import { pageSize } from '../linux/memory.js';
import {
  isSupervised,
  type ObjectMap,
  readContext,
  readMap,
  requireSupervisor,
  trampfd_create,
  writeContext,
} from '../linux/trampfd-create.js';
import { TrampfdError } from '../trampoline/errors.js';
import { Objects, TrampolineObject } from './objects.js';
import { objectType } from './types/index.js';

export interface Place {
  readonly context: number;
  readonly instance: number;
}

export interface Host {
  /** @param data what `trampfd_create` is given. @returns a descriptor */
  create(type: number, data: Uint8Array): number;
  map(fd: number): ObjectMap;
  read(fd: number, place: Place): Uint8Array;
  write(fd: number, place: Place, bytes: Uint8Array): void;
}

/** The host for this process. */
export function host(): Host {
  return isSupervised() ? supervisor : ownHost();
}

const attempt = 'use a trampoline descriptor';

const supervisor: Host = {
  create: (type, data) => trampfd_create(type, data, 'make a trampoline descriptor'),
  map: (fd) => readMap(fd, attempt),
  read: (fd, place) => readContext(fd, place, contextLengths[place.context]!.most, attempt),
  write: (fd, place, bytes) => writeContext(fd, place, bytes, attempt),
};

let own: OwnHost | undefined;

function ownHost(): Host {
  own ??= new OwnHost();
  return own;
}

/** Slow objects need a tracer, so this has fast ones only. */
class OwnHost implements Host {
  readonly #objects = new Objects();
  readonly #surroundings = {
    machine: thisMachine(),
    names: registerNames(thisMachine().registerFile),
    pageSize: pageSize(),
  };

  create(type: number, data: Uint8Array): number {
    const kind = objectType(type)!;
    const plan = kind.plan(new DataView(data.buffer, data.byteOffset, data.length), this.#surroundings);
    if (plan.slow) requireSupervisor('make a slow trampoline descriptor');
    this.#objects.collect();
    const object = new TrampolineObject(kind, plan, abi.offsetBase, this.#surroundings);
    this.#objects.add(object);
    return object.file.reader;
  }

  map(fd: number): ObjectMap {
    return this.#object(fd).map;
  }

  read(fd: number, { context, instance }: Place): Uint8Array {
    return this.#withContexts(fd, instance).contexts!.get(instance, context);
  }

  write(fd: number, { context, instance }: Place, bytes: Uint8Array): void {
    try {
      this.#withContexts(fd, instance).change(instance, context, bytes);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      throw new TrampfdError(`Cannot change a trampoline: ${error.message}`, { code: error.code });
    }
  }

  #withContexts(fd: number, instance: number): TrampolineObject {
    const object = this.#object(fd);
    if (object.contexts === undefined) throw new TypeError(`${object.type.name} has no contexts`);
    if (instance >= object.plan.count) {
      throw new RangeError(`there is no instance ${instance}; the object has ${object.plan.count}`);
    }
    return object;
  }

  #object(fd: number): TrampolineObject {
    const file = fileBehind('self', fd);
    const object = file === undefined ? undefined : this.#objects.find(file);
    if (object !== undefined) return object;
    const message = `Cannot ${attempt}: descriptor ${fd} is of no object that this process made`;
    throw new TrampfdError(message, { code: 'ERR_NOT_OURS' });
  }
}
