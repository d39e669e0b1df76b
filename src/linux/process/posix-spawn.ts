/** Starting processes without Node, which would wait for them. @see posix_spawn(3) */
import { systemError } from '../../native/errno.js';
import { libc } from '../../native/libc.js';
import { addressOfBytes } from '../../native/memory-view.js';

/** `posix_spawn_file_actions_t`: 80 bytes with glibc and musl. Global, so that it is not collected during calls. */
const fileActions = new Uint8Array(256);
const spawnedPid = new Int32Array(1);

/**
 * Starts a program without arguments and with an empty environment. It inherits the signal mask, the fds that are not
 * close-on-exec, and those in `fds`.
 * @returns its pid
 */
export function posixSpawn(
  path: string,
  fds: readonly (readonly [childFd: number, parentFd: number])[],
  attempt: string,
): number {
  const { posix_spawn, posix_spawn_file_actions_init, ...spawnFunctions } = libc();
  const actions = addressOfBytes(fileActions);
  posix_spawn_file_actions_init(actions);
  try {
    for (const [childFd, parentFd] of fds)
      spawnFunctions.posix_spawn_file_actions_adddup2(actions, parentFd, childFd);
    const error = posix_spawn(addressOfBytes(spawnedPid), path, actions, 0n, [path, null], [null]);
    if (error !== 0) throw systemError(attempt, { syscall: 'posix_spawn', errno: error });
    return spawnedPid[0]!;
  } finally {
    spawnFunctions.posix_spawn_file_actions_destroy(actions);
  }
}
