/**
 * The trampoline object of the kernel proposal, which a file descriptor refers to.
 * @module trampfd/object
 */
export type { CallerRange, RegisterValues, StackValues } from './core/contexts.js';
export {
  createTrampolineObject,
  openTrampolineObject,
  receiveTrampolineObject,
  type TrampolineMapping,
  type TrampolineObject,
  type TrampolineObjectOptions,
} from './object/trampoline-object.js';
