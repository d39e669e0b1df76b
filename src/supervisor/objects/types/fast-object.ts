/** Fast objects with contexts: entries, selectors that the supervisor writes, and the bodies that these point to. */
import { alignUp } from '../../../core/bits.js';
import type { EntryCode, Machine, ObjectContexts } from '../../../machine/index.js';
import { BodyAllocator } from '../body-allocator.js';
import type { InstanceContexts } from '../instance-contexts.js';
import type { ObjectLayout, TargetInfo } from './object-type.js';

/** The differences between fast types. */
export interface FastObjectSpec {
  readonly contexts: readonly number[];
  entries(machine: Machine): EntryCode;
  /** Returns the contexts that the body implements, or `undefined` if the instance traps. @throws SyscallError */
  bodyContexts(instanceContexts: InstanceContexts): ObjectContexts | undefined;
}

/** Returns the layout function of a type. */
export function fastLayoutFactory(
  type: FastObjectSpec,
): (count: number, targetInfo: TargetInfo) => ObjectLayout {
  /** Most objects have one instance, and thus the same layout. */
  let cached: ObjectLayout | undefined;
  return (count, targetInfo) => {
    if (cached?.count !== count) cached = createFastLayout(type, count, targetInfo);
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
  const selectorsOffset = alignUp(entriesLength, pageSize);
  const bodiesOffset = selectorsOffset + alignUp(count * 8, pageSize);
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
