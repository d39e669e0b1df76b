/** `trampfd/object`: the trampoline object of the kernel proposal, which a file descriptor stands for. */
export type { CallerRange, RegisterValues, StackValues } from './core/contexts.js';
export {
  createTrampolineObject,
  type TrampolineMapping,
  TrampolineObject,
  type TrampolineObjectOptions,
} from './object/trampoline-object.js';
