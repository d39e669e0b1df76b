/**
 * A text file of lines that come and go. A line that goes is overwritten with empty lines, which readers of
 * such files skip; when most of the file is empty it is written anew.
 */
import { ftruncateSync, readSync, writeSync } from 'node:fs';

export interface Line {
  text: string;
  position: number;
}

/** Below this many empty bytes a file is left as it is. */
const tolerated = 2 ** 16;

export class LineFile {
  readonly #fd: number;
  readonly #lines = new Set<Line>();
  #length = 0;
  #empty = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  add(text: string): Line {
    const bytes = Buffer.from(`${text}\n`);
    this.#write(bytes, this.#length);
    const line = { text, position: this.#length };
    this.#length += bytes.length;
    this.#lines.add(line);
    return line;
  }

  remove(line: Line): void {
    if (!this.#lines.delete(line)) return;
    const length = Buffer.byteLength(line.text);
    this.#write(Buffer.alloc(length, '\n'), line.position);
    this.#empty += length;
    if (this.#empty > tolerated && this.#empty > this.#length / 2) this.#rewrite();
  }

  #rewrite(): void {
    let position = 0;
    for (const line of this.#lines) {
      line.position = position;
      position += Buffer.byteLength(line.text) + 1;
    }
    this.#write(Buffer.from([...this.#lines].map(({ text }) => `${text}\n`).join('')), 0);
    ftruncateSync(this.#fd, position);
    this.#length = position;
    this.#empty = 0;
  }

  #write(bytes: Uint8Array, position: number): void {
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(this.#fd, bytes, done, bytes.length - done, position + done);
    }
  }
}

/** The whole of a file that is open, however often it was read, if it has at most so many bytes. */
export function readWhole(fd: number, most: number): string {
  const parts: Buffer[] = [];
  for (let position = 0; position <= most; ) {
    const part = Buffer.alloc(2 ** 16);
    const read = readSync(fd, part, 0, part.length, position);
    if (read === 0) return Buffer.concat(parts).toString('utf8');
    parts.push(part.subarray(0, read));
    position += read;
  }
  throw new RangeError(`a file has more than ${most} bytes`);
}
