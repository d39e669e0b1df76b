import { writeSync } from 'node:fs';

/**
 * Writes a line to an fd and ignores errors: the reader may have closed it. Node's `console` would make a pipe
 * non-blocking, also for the program that shares it.
 */
export function writeLine(fd: number, line: string): void {
  try {
    writeSync(fd, `${line}\n`);
  } catch {}
}
