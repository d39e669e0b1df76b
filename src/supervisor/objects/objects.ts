/** Objects of a supervisor. An object lives as long as any process has an fd or a mapping of it. */
import type { RegisterNumbers } from '../../abi/decode-contexts.js';
import type { ObjectMap } from '../../abi/object-map.js';
import { MAP_SHARED, PROT_EXEC, PROT_NONE, PROT_READ } from '../../linux/mm/memory.js';
import { allocateContextMemory, ContextStore, type ContextUpdate } from './instance-contexts.js';
import { ObjectFile } from './object-file.js';
import type { ObjectLayout, ObjectType, TargetInfo } from './types/object-type.js';

export class ManagedObject {
  readonly type: ObjectType;
  readonly layout: ObjectLayout;
  readonly file: ObjectFile;
  /** Offset of the object in the file. */
  readonly base: bigint;
  readonly #registerNumbers: RegisterNumbers;
  #contexts: ContextStore | undefined;
  readonly #updater: ReturnType<NonNullable<ObjectLayout['createUpdater']>> | undefined;

  constructor(type: ObjectType, layout: ObjectLayout, base: bigint, { registerNumbers }: TargetInfo) {
    const { length, content, createUpdater } = layout;
    this.type = type;
    this.layout = layout;
    this.base = base;
    this.file = new ObjectFile({ base, length, content, writable: createUpdater !== undefined });
    this.#registerNumbers = registerNumbers;
    this.#updater = createUpdater?.(this.file);
  }

  /** Created on first use; `undefined` for types without contexts. */
  get contexts(): ContextStore | undefined {
    const { contexts, count, slow } = this.layout;
    if (contexts.length > 0)
      this.#contexts ??= new ContextStore(allocateContextMemory(count, slow), this.#registerNumbers);
    return this.#contexts;
  }

  get map(): ObjectMap {
    const { length, slow, stride, ioffset = 0 } = this.layout;
    const prot = slow ? PROT_NONE : PROT_READ | PROT_EXEC;
    // The first proposal has a reserved word in place of the stride.
    const reportedStride = this.base === 0n ? 0 : stride;
    return { size: length, prot, flags: MAP_SHARED, offsetPage: 0, ioffset, stride: reportedStride };
  }

  /** Applies a context update to an instance. @throws SyscallError, and then nothing has changed */
  update(index: number, update: ContextUpdate): void {
    const contexts = this.contexts!;
    this.#updater?.(index, { ...contexts.read(index), ...update.decoded });
    contexts.set(index, update);
  }
}

export class ObjectStore {
  readonly #byFileKey = new Map<string, ManagedObject>();
  #sweepCursor: Iterator<ManagedObject> = this.#byFileKey.values();
  created = 0;

  get size(): number {
    return this.#byFileKey.size;
  }

  add(object: ManagedObject): void {
    this.#byFileKey.set(object.file.key, object);
    this.created++;
  }

  find(fileKey: string): ManagedObject | undefined {
    return this.#byFileKey.get(fileKey);
  }

  remove(object: ManagedObject): void {
    this.#byFileKey.delete(object.file.key);
    object.file.close();
  }

  /**
   * Checks up to `budget` objects, continuing where the previous call stopped, and removes unused ones.
   * @returns the removed objects
   */
  collectUnused(budget: number): ManagedObject[] {
    const removed: ManagedObject[] = [];
    for (let remaining = Math.min(budget, this.size); remaining > 0; remaining--) {
      let next = this.#sweepCursor.next();
      if (next.done === true) {
        this.#sweepCursor = this.#byFileKey.values();
        next = this.#sweepCursor.next();
      }
      const object = next.value!;
      if (!object.file.isUnused()) continue;
      this.remove(object);
      removed.push(object);
    }
    return removed;
  }
}
