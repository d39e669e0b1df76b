/**
 * Who keeps the objects of a {@link TrampolineDescriptor}: the supervisor that runs this program, or, where there
 * is none, this process, for itself and for those to whom it hands descriptors.
 */
import { fstatSync } from 'node:fs';
import { contextLengths, registerNames } from '../abi/contexts.js';
import { abi } from '../abi/layout.js';
import type { ObjectMap } from '../abi/map.js';
import { Refusal } from '../abi/refusal.js';
import { fileBehind } from '../linux/file-identity.js';
import { thisMachine } from '../linux/host.js';
import { MAP_SHARED, PROT_EXEC, PROT_READ, pageSize } from '../linux/memory.js';
import {
  type ContextPlace,
  isSupervised,
  readContext,
  readMap,
  requireSupervisor,
  trampfd_create,
  writeContext,
} from '../linux/trampfd-create.js';
import { TrampfdError } from '../trampoline/errors.js';
import { Objects, TrampolineObject } from './objects.js';
import { objectType } from './types/index.js';

export interface Host {
  /** @param data what `trampfd_create` is given. @returns a descriptor */
  create(type: number, data: Uint8Array): number;
  map(fd: number): ObjectMap;
  read(fd: number, place: ContextPlace): Uint8Array;
  write(fd: number, place: ContextPlace, bytes: Uint8Array): void;
}

/** The host for this process. */
export function host(): Host {
  return isSupervised() ? supervisor : ownHost();
}

const attempt = 'use a trampoline descriptor';

/** Objects to look at, for each new one, whether anybody still uses them. */
const few = 8;

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
    this.#objects.collect(few);
    const object = new TrampolineObject(kind, plan, abi.offsetBase, this.#surroundings);
    this.#objects.add(object);
    return object.file.reader;
  }

  /** An object of another process can be mapped, too: where its instances stand does not depend on what it is told. */
  map(fd: number): ObjectMap {
    const file = fileBehind('self', fd);
    const object = file === undefined ? undefined : this.#objects.find(file);
    if (object !== undefined) return object.map;
    const length = fstatSync(fd, { bigint: true }).size - abi.offsetBase;
    if (length <= 0n) throw notOurs(fd);
    const { firstAt, stride } = this.#surroundings.machine.objectCode.entries;
    return {
      size: Number(length),
      prot: PROT_READ | PROT_EXEC,
      flags: MAP_SHARED,
      offsetPage: 0,
      ioffset: firstAt,
      stride,
    };
  }

  read(fd: number, { context, instance }: ContextPlace): Uint8Array {
    return this.#withContexts(fd, { context, instance }).contexts!.get(instance, context);
  }

  write(fd: number, { context, instance }: ContextPlace, bytes: Uint8Array): void {
    try {
      const object = this.#withContexts(fd, { context, instance });
      object.change(instance, object.contexts!.decode(context, bytes));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      throw new TrampfdError(`Cannot change a trampoline: ${error.message}`, { code: error.code });
    }
  }

  #withContexts(fd: number, { context, instance }: ContextPlace): TrampolineObject {
    const object = this.#object(fd);
    if (context === abi.contexts.allowedCallers) {
      const message = `Cannot ${attempt}: allowed callers are for slow ones`;
      throw new TrampfdError(message, { code: 'EINVAL' });
    }
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
    throw notOurs(fd);
  }
}

function notOurs(fd: number): TrampfdError {
  const message = `Cannot ${attempt}: descriptor ${fd} is of no object that this process made`;
  return new TrampfdError(message, { code: 'ERR_NOT_OURS' });
}
