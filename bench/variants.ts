/** Variants that are part of row ids: subjects measure them, targets name them. */
import { join } from 'node:path';
import { root } from './paths.js';

/** Code page methods besides memfd, the default. */
export const otherMethods = ['template', 'file', 'rwx', 'remap'] as const;

/** Numbers of live trampolines. */
export const liveCounts = [1e3, 1e4, 1e5, 1e6, 1e7];

/** Programs that never call trampfd_create, as shell commands, each with its number of runs in a round. */
export const otherPrograms = [
  { name: 'git', command: `git -C '${root}' log -p >/dev/null`, times: 1 },
  { name: 'gcc', command: `gcc -O2 -c -o /dev/null '${join(root, 'bench/native/client.c')}'`, times: 1 },
  { name: 'python3', command: "python3 -c 'print(sum(range(10 ** 6)))' >/dev/null", times: 1 },
] as const;
