/**
 * `file`: the code is written to a temporary file without a name, which is then opened for reading and mapped
 * shared. It wants a temporary folder that is not mounted noexec; `TMPDIR` names one.
 *
 * Guarantee: the mapping cannot be changed through `mprotect` or `/proc/self/mem`, since the descriptor behind it
 * only reads. But the file is an ordinary one of this user: a process of the same user that can look at our
 * descriptors can open it for writing, and then the code changes under the mapping.
 */
import { anonymousTempFile } from '../linux/fs/temp-files.js';
import type { CodePageMethod } from './code-page-method.js';
import { codeFromFd } from './map-shared-fd.js';

export const file: CodePageMethod = {
  name: 'file',
  prepare({ bytes }) {
    const fd = anonymousTempFile(bytes, 'make a code page by file');
    return codeFromFd(fd, { method: 'file', length: bytes.length });
  },
};
