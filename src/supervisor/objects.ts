/** All objects of a supervisor. An object lives as long as any process holds or maps it. */
import type { RegisterNames } from '../abi/contexts.js';
import type { ObjectMap } from '../abi/map.js';
import { MAP_SHARED, PROT_EXEC, PROT_NONE, PROT_READ } from '../linux/memory.js';
import { type Change, Contexts, contextMemory } from './contexts.js';
import { ObjectFile } from './object-file.js';
import type { ObjectType, Plan, Surroundings } from './types/type.js';

export class TrampolineObject {
  readonly type: ObjectType;
  readonly plan: Plan;
  readonly file: ObjectFile;
  /** Where in the file it begins. */
  readonly base: bigint;
  readonly #names: RegisterNames;
  #contexts: Contexts | undefined;
  readonly #changed: ReturnType<NonNullable<Plan['changes']>> | undefined;

  constructor(type: ObjectType, plan: Plan, base: bigint, { names }: Surroundings) {
    const { length, content, changes } = plan;
    this.type = type;
    this.plan = plan;
    this.base = base;
    this.file = new ObjectFile({ base, length, content, writable: changes !== undefined });
    this.#names = names;
    this.#changed = changes?.(this.file);
  }

  /** What its instances were told; nothing when they are told nothing. Made when somebody asks. */
  get contexts(): Contexts | undefined {
    const { contexts, count, slow } = this.plan;
    if (contexts.length > 0) this.#contexts ??= new Contexts(contextMemory(count, slow), this.#names);
    return this.#contexts;
  }

  get map(): ObjectMap {
    const { length, slow, stride, ioffset = 0 } = this.plan;
    const prot = slow ? PROT_NONE : PROT_READ | PROT_EXEC;
    // The first proposal has a reserved word where the stride stands.
    const told = this.base === 0n ? 0 : stride;
    return { size: length, prot, flags: MAP_SHARED, offsetPage: 0, ioffset, stride: told };
  }

  /** Lets a change of an instance's contexts take effect. @throws Refusal; nothing has changed */
  change(index: number, change: Change): void {
    const contexts = this.contexts!;
    this.#changed?.(index, { ...contexts.read(index), ...change.told });
    contexts.set(index, change);
  }
}

export class Objects {
  readonly #byFile = new Map<string, TrampolineObject>();
  #looking: Iterator<TrampolineObject> = this.#byFile.values();
  made = 0;

  get size(): number {
    return this.#byFile.size;
  }

  add(object: TrampolineObject): void {
    this.#byFile.set(object.file.key, object);
    this.made++;
  }

  find(file: string): TrampolineObject | undefined {
    return this.#byFile.get(file);
  }

  remove(object: TrampolineObject): void {
    this.#byFile.delete(object.file.key);
    object.file.close();
  }

  /**
   * Looks at some objects, from where it stopped the last time, and removes those that nobody can reach any more.
   * @returns what was removed
   */
  collect(most: number): TrampolineObject[] {
    const gone: TrampolineObject[] = [];
    for (let left = Math.min(most, this.size); left > 0; left--) {
      let next = this.#looking.next();
      if (next.done === true) {
        this.#looking = this.#byFile.values();
        next = this.#looking.next();
      }
      const object = next.value!;
      if (!object.file.isUnused()) continue;
      this.remove(object);
      gone.push(object);
    }
    return gone;
  }
}
