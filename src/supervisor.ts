/** `trampfd/supervisor`: programs with a supervisor, which answers `trampfd_create(2)` for them. */
export type { RestrictionName } from './launcher/restrictions.js';
export { type SpawnSupervisedOptions, type Stdio, spawnSupervised } from './supervisor/supervise.js';
export type { AbiName } from './supervisor/syscalls/filter.js';
