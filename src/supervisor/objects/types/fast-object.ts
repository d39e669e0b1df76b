/** Fast objects with contexts: entries, selectors that the supervisor writes, and the bodies that they lead to. */
import type { EntryCode, Machine, ObjectContexts } from '../../../machine/index.js';
import { BodyAllocator } from '../body-allocator.js';
import type { InstanceContexts } from '../instance-contexts.js';
import type { ObjectLayout, TargetInfo } from './object-type.js';

/** What tells one type from the others. */
export interface FastObjectSpec {
  readonly contexts: readonly number[];
  entries(machine: Machine): EntryCode;
  /** What an instance does that was told this, or nothing when it traps. @throws Refusal */
  bodyContexts(instanceContexts: InstanceContexts): ObjectContexts | undefined;
}

/** Makes the plans of a type. */
export function fastLayoutFactory(
  type: FastObjectSpec,
): (count: number, surroundings: TargetInfo) => ObjectLayout {
  /** Most objects have one instance, and then the same plan. */
  let cached: ObjectLayout | undefined;
  return (count, surroundings) => {
    if (cached?.count !== count) cached = createFastLayout(type, count, surroundings);
    return cached;
  };
}

function createFastLayout(
  { contexts, entries, bodyContexts }: FastObjectSpec,
  count: number,
  { machine, pageSize }: TargetInfo,
): ObjectLayout {
  const { firstOffset, stride, length, code, trapOffset } = entries(machine);
  const entriesLength = length(count);
  const selectorsOffset = Math.ceil(entriesLength / pageSize) * pageSize;
  const bodiesOffset = selectorsOffset + Math.ceil((count * 8) / pageSize) * pageSize;
  const content = new Uint8Array(selectorsOffset + 8 * count);
  content.set(code(count, { selectorsOffset }));
  const selectors = new BigUint64Array(content.buffer, selectorsOffset, count);
  for (let index = 0; index < count; index++) selectors[index] = BigInt(trapOffset(index));
  const bodyLayout = { count, entriesLength, trapOffset, selectorsOffset, bodiesOffset, pageSize };
  return {
    slow: false,
    count,
    length: bodiesOffset + BodyAllocator.byteLength(bodyLayout, machine.supervised),
    ioffset: firstOffset,
    stride,
    content,
    contexts,
    createUpdater(file) {
      let bodyAllocator: BodyAllocator | undefined;
      return (index, instanceContexts) => {
        const objectContexts = bodyContexts(instanceContexts);
        bodyAllocator ??= new BodyAllocator(file, bodyLayout, machine.supervised);
        if (objectContexts === undefined) bodyAllocator.remove(index);
        else bodyAllocator.replace(index, objectContexts);
      };
    },
  };
}
