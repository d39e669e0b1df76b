/** Code and files that only the build script needs. Nothing at run time imports this module. */
import { arm64Build } from '../arm64/build/index.js';
import { x64Build } from '../x64/build/index.js';
import type { BuildCode } from './build-code.js';

export type { BuildCode } from './build-code.js';
export { nativeModule } from './native-module.js';
export { sharedLibrary } from './shared-library.js';
export { staticProgram, staticProgramLayout } from './static-program.js';

/** By Node's names of architectures, as `machines`. */
export const builders: Readonly<Record<string, BuildCode>> = { x64: x64Build, arm64: arm64Build };
