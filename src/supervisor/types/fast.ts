/** Fast objects with contexts: entries, selectors that the supervisor writes, and the bodies that they lead to. */
import type { EntryCode, Machine, ObjectContexts } from '../../machine/index.js';
import { Bodies } from '../bodies.js';
import type { Told } from '../contexts.js';
import type { Plan, Surroundings } from './type.js';

/** What tells one type from the others. */
export interface FastType {
  readonly contexts: readonly number[];
  entries(machine: Machine): EntryCode;
  /** What an instance does that was told this, or nothing when it traps. @throws Refusal */
  body(told: Told): ObjectContexts | undefined;
}

/** Makes the plans of a type. */
export function fastPlans(type: FastType): (count: number, surroundings: Surroundings) => Plan {
  /** Most objects have one instance, and then the same plan. */
  let last: Plan | undefined;
  return (count, surroundings) => {
    if (last?.count !== count) last = fastPlan(type, count, surroundings);
    return last;
  };
}

function fastPlan(
  { contexts, entries, body }: FastType,
  count: number,
  { machine, pageSize }: Surroundings,
): Plan {
  const { firstAt, stride, length, code, trapAt } = entries(machine);
  const codeLength = length(count);
  const selectorsAt = Math.ceil(codeLength / pageSize) * pageSize;
  const bodiesAt = selectorsAt + Math.ceil((count * 8) / pageSize) * pageSize;
  const content = new Uint8Array(selectorsAt + 8 * count);
  content.set(code(count, { selectorsAt }));
  const selectors = new BigUint64Array(content.buffer, selectorsAt, count);
  for (let index = 0; index < count; index++) selectors[index] = BigInt(trapAt(index));
  const places = { count, codeLength, trapAt, selectorsAt, bodiesAt, pageSize };
  return {
    slow: false,
    count,
    length: bodiesAt + Bodies.length(places, machine.objectCode),
    ioffset: firstAt,
    stride,
    content,
    contexts,
    changes(file) {
      let bodies: Bodies | undefined;
      return (index, told) => {
        const does = body(told);
        bodies ??= new Bodies(file, places, machine.objectCode);
        if (does === undefined) bodies.remove(index);
        else bodies.replace(index, does);
      };
    },
  };
}
