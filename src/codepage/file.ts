/**
 * `file`: the code is written to an unnamed temporary file, which is then opened read-only and mapped shared.
 * Requires a temporary folder that is not mounted noexec; `TMPDIR` names one.
 *
 * Guarantee: the mapping cannot be changed through `mprotect` or `/proc/self/mem`, since its fd is read-only.
 * But the file is an ordinary one of this user: a process of the same user that can access our fds can open it
 * for writing and so change the mapped code.
 */
import { anonymousTempFile } from '../linux/fs/temp-files.js';
import type { CodePageMethod } from './code-page-method.js';
import { codeFromFd } from './map-shared-fd.js';

export const file: CodePageMethod = {
  name: 'file',
  prepare({ bytes }) {
    const fd = anonymousTempFile(bytes, 'create a code page by file');
    return codeFromFd(fd, { source: 'file', length: bytes.length });
  },
};
