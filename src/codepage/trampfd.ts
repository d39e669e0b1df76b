/**
 * `trampfd`: the code comes from a supervisor that plays the kernel's part, as an object of the type `code`. The
 * program brings none of its own, and needs no memfd and no file.
 *
 * Guarantee: that of `memfd`, and it does not depend on this process: only the supervisor has ever been able to
 * write the file.
 *
 * **Limitation**: a supervisor makes code of shapes, and no other.
 *
 * Calling it where there is none is out of the question: a sandbox may kill a program for a system call that it
 * does not know. So a supervisor announces itself in the environment, and this method looks there first.
 */
import { encodeCode } from '../abi/encode.js';
import { abi } from '../abi/layout.js';
import { TrampfdError } from '../core/errors.js';
import { close } from '../linux/fs/fds.js';
import { mapObject, readObjectMap, requireSupervisor, trampfd_create } from '../linux/trampfd-syscall.js';
import { hostMachine } from '../native/host.js';
import { memoryAt } from '../native/memory-view.js';
import type { CodePageMethod } from './code-page-method.js';

const attempt = 'make a code page by trampfd';

export const trampfd: CodePageMethod = {
  name: 'trampfd',
  prepare({ bytes, shape }) {
    requireSupervisor(attempt);
    if (shape === undefined || shape.type === 'handler') {
      const message = `Cannot ${attempt}: a supervisor makes code of trampolines, and no other`;
      throw new TrampfdError(message, { code: 'ERR_NO_SHAPE' });
    }
    const count = Math.floor(bytes.length / hostMachine().trampolines.slotLayout(shape).stride);
    const fd = trampfd_create(abi.types.code, encodeCode({ shape, count }), attempt);
    return {
      mapAt(address) {
        const map = readObjectMap(fd, attempt);
        mapObject(fd, map, attempt, address);
        const mapped = new Uint8Array(memoryAt(address, bytes.length));
        if (map.size === bytes.length && Buffer.compare(mapped, bytes) === 0) return;
        const message = `Cannot ${attempt}: the supervisor's code is not what this version of trampfd makes`;
        throw new TrampfdError(message, { code: 'ERR_OTHER_CODE' });
      },
      close() {
        close(fd);
      },
    };
  },
};
