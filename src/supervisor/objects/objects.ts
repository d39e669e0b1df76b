/** All objects of a supervisor. An object lives as long as any process holds or maps it. */
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
  /** Where in the file it begins. */
  readonly base: bigint;
  readonly #names: RegisterNumbers;
  #contexts: ContextStore | undefined;
  readonly #updater: ReturnType<NonNullable<ObjectLayout['createUpdater']>> | undefined;

  constructor(type: ObjectType, layout: ObjectLayout, base: bigint, { registerNumbers }: TargetInfo) {
    const { length, content, createUpdater } = layout;
    this.type = type;
    this.layout = layout;
    this.base = base;
    this.file = new ObjectFile({ base, length, content, writable: createUpdater !== undefined });
    this.#names = registerNumbers;
    this.#updater = createUpdater?.(this.file);
  }

  /** What its instances were told; nothing when they are told nothing. Made when somebody asks. */
  get contexts(): ContextStore | undefined {
    const { contexts, count, slow } = this.layout;
    if (contexts.length > 0)
      this.#contexts ??= new ContextStore(allocateContextMemory(count, slow), this.#names);
    return this.#contexts;
  }

  get map(): ObjectMap {
    const { length, slow, stride, ioffset = 0 } = this.layout;
    const prot = slow ? PROT_NONE : PROT_READ | PROT_EXEC;
    // The first proposal has a reserved word where the stride stands.
    const reportedStride = this.base === 0n ? 0 : stride;
    return { size: length, prot, flags: MAP_SHARED, offsetPage: 0, ioffset, stride: reportedStride };
  }

  /** Lets a change of an instance's contexts take effect. @throws Refusal; nothing has changed */
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
   * Looks at some objects, from where it stopped the last time, and removes those that nobody can reach any more.
   * @returns what was removed
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
