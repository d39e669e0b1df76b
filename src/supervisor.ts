/**
 * Runs programs under a supervisor, which implements `trampfd_create(2)` for them.
 * @module trampfd/supervisor
 */
export type { RestrictionName } from './launcher/restrictions.js';
export {
  type SpawnSupervisedOptions,
  type SupervisedInput,
  type SupervisedOutput,
  type SupervisedProcess,
  type SupervisedStdio,
  spawnSupervised,
} from './supervisor/supervise.js';
export type { AbiName } from './supervisor/syscalls/filter.js';
