/**
 * A text file whose lines are added and removed. A removed line is overwritten with empty lines, which readers of
 * such files skip; if most of the file is empty it is rewritten.
 */
import { ftruncateSync, readSync, writeSync } from 'node:fs';

export interface Line {
  text: string;
  position: number;
}

/** A file with fewer empty bytes is not rewritten. */
const maxWastedBytes = 2 ** 16;

export class LineFile {
  readonly #fd: number;
  readonly #lines = new Set<Line>();
  #length = 0;
  #wastedBytes = 0;

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
    this.#wastedBytes += length;
    if (this.#wastedBytes > maxWastedBytes && this.#wastedBytes > this.#length / 2) this.#rewrite();
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
    this.#wastedBytes = 0;
  }

  #write(bytes: Uint8Array, position: number): void {
    for (let written = 0; written < bytes.length; ) {
      written += writeSync(this.#fd, bytes, written, bytes.length - written, position + written);
    }
  }
}

/** Returns the content of an open file, whatever its file offset. Throws `RangeError` if it is too long. */
export function readAll(fd: number, maxBytes: number): string {
  const chunks: Buffer[] = [];
  for (let position = 0; position <= maxBytes; ) {
    const chunk = Buffer.alloc(2 ** 16);
    const bytesRead = readSync(fd, chunk, 0, chunk.length, position);
    if (bytesRead === 0) return Buffer.concat(chunks).toString('utf8');
    chunks.push(chunk.subarray(0, bytesRead));
    position += bytesRead;
  }
  throw new RangeError(`a file has more than ${maxBytes} bytes`);
}
