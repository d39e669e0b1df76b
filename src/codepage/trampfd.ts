/**
 * `trampfd`: a supervisor, which implements the proposed system call, creates the code as an object of type `code`.
 * The program generates no code, and needs neither memfd nor file.
 *
 * Guarantee: that of `memfd`, and independent of this process: only the supervisor was ever able to write the file.
 *
 * **Limitation**: a supervisor creates code for shapes only.
 *
 * The system call is made only under a supervisor, which sets an environment variable: a sandbox may kill a program
 * that makes an unknown system call.
 */
import { encodeCode } from '../abi/encode.js';
import { abi } from '../abi/layout.js';
import { TrampfdError } from '../core/errors.js';
import { close } from '../linux/fs/fds.js';
import { mapObject, readObjectMap, requireSupervisor, trampfd_create } from '../linux/trampfd-syscall.js';
import { hostMachine } from '../native/host.js';
import { memoryAt } from '../native/memory-view.js';
import type { CodePageMethod } from './code-page-method.js';

const attempt = 'create a code page by trampfd';

export const trampfd: CodePageMethod = {
  name: 'trampfd',
  prepare({ bytes, shape }) {
    requireSupervisor(attempt);
    if (shape === undefined || shape.type === 'handler') {
      const message = `Cannot ${attempt}: a supervisor creates code of trampolines only`;
      throw new TrampfdError(message, { code: 'ERR_TRAMPFD_NO_SHAPE' });
    }
    const count = Math.floor(bytes.length / hostMachine().trampolines.slotLayout(shape).stride);
    const fd = trampfd_create(abi.types.code, encodeCode({ shape, count }), attempt);
    return {
      mapAt(address) {
        const map = readObjectMap(fd, attempt);
        mapObject(fd, map, attempt, address);
        const mapped = new Uint8Array(memoryAt(address, bytes.length));
        if (map.size === bytes.length && Buffer.compare(mapped, bytes) === 0) return;
        const message = `Cannot ${attempt}: the supervisor's code differs from what this version of trampfd generates`;
        throw new TrampfdError(message, { code: 'ERR_TRAMPFD_OTHER_CODE' });
      },
      close() {
        close(fd);
      },
    };
  },
};
