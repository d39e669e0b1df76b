/** Lines for people and programs that may have gone. */
import { writeSync } from 'node:fs';

/** Node's `console` would make pipes non-blocking, which are the program's, too. */
export function writeLine(fd: number, line: string): void {
  try {
    writeSync(fd, `${line}\n`);
  } catch {
    // Nobody reads any more; the program goes on.
  }
}
