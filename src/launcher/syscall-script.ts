/**
 * The launcher's input: a script of system calls.
 *
 *     script       u64 number of relocations, u64 number of system calls, u64 status fd;
 *                  relocations; system calls; data
 *     relocation   u64 offset of a pointer in the script. The pointer is an offset, too: the launcher adds the
 *                  address of the script.
 *     system call  7 u64: number, arguments
 */
import { alignUp } from '../core/bits.js';
import { TrampfdError } from '../core/errors.js';
import type { SystemCallName } from '../machine/index.js';

/** An argument: a word, or the data that it points to. Strings are UTF-8 and end with NUL. */
export type SyscallArgument =
  | number
  | bigint
  | string
  | Uint8Array
  | { readonly words: readonly SyscallArgument[] };

export interface SyscallRequest {
  /** Kernel name of the system call, for errors. */
  readonly name: SystemCallName;
  readonly number: number;
  readonly arguments: readonly SyscallArgument[];
  /** Its purpose, as the error message has it after "Cannot". */
  readonly attempt: string;
}

/** Appends a system call to a script. */
export type PushSyscall = (name: SystemCallName, attempt: string, ...args: SyscallArgument[]) => void;

/** The fd from which the launcher reads the script. */
export const scriptFd = 3;
/** The fd to which it writes its status, by default. */
export const defaultStatusFd = 4;

/** Exit code of the launcher if a system call fails. */
export const launcherFailureStatus = 125;

/**
 * Maximum length of a script in bytes: the size of the launcher's buffer. Linux accepts up to 6 MiB of arguments and
 * environment, and a short string takes 24 bytes here.
 */
export const maxScriptBytes = 2 ** 24;

/** Words before the relocations. */
const headerWords = 3;

/** An offset in the data. */
interface DataOffset {
  readonly offset: number;
}

/** Collects the data of a script, each part aligned to 8 bytes. */
class ScriptData {
  readonly #parts: Uint8Array[] = [];
  /** Pointers within the data to other data. */
  readonly pointers: { readonly position: number; readonly target: number }[] = [];
  byteLength = 0;

  encode(argument: SyscallArgument): bigint | DataOffset {
    if (typeof argument === 'number' || typeof argument === 'bigint')
      return BigInt.asUintN(64, BigInt(argument));
    if (typeof argument === 'string') return this.#store(new TextEncoder().encode(`${argument}\0`));
    if (argument instanceof Uint8Array) return this.#store(argument);
    const words = argument.words.map((word) => this.encode(word));
    const array = this.#store(
      new Uint8Array(BigUint64Array.from(words, (word) => (typeof word === 'bigint' ? word : 0n)).buffer),
    );
    for (const [index, word] of words.entries()) {
      if (typeof word !== 'bigint')
        this.pointers.push({ position: array.offset + 8 * index, target: word.offset });
    }
    return array;
  }

  copyTo(bytes: Uint8Array): void {
    let offset = 0;
    for (const part of this.#parts) {
      bytes.set(part, offset);
      offset += part.length;
    }
  }

  #store(bytes: Uint8Array): DataOffset {
    const offset = this.byteLength;
    const padded = new Uint8Array(alignUp(bytes.length, 8));
    padded.set(bytes);
    this.#parts.push(padded);
    this.byteLength += padded.length;
    return { offset };
  }
}

/** Encodes a script. */
export function encodeScript(syscalls: readonly SyscallRequest[], statusFd = defaultStatusFd): Uint8Array {
  const data = new ScriptData();
  const syscallWords = syscalls.flatMap(({ number, arguments: args }) => [
    BigInt(number),
    ...args.map((argument) => data.encode(argument)),
    ...Array<bigint>(6 - args.length).fill(0n),
  ]);
  const pointerCount =
    syscallWords.filter((value) => typeof value !== 'bigint').length + data.pointers.length;
  const syscallsOffset = 8 * (headerWords + pointerCount);
  const dataOffset = syscallsOffset + 8 * syscallWords.length;
  const byteLength = dataOffset + data.byteLength;
  if (byteLength > maxScriptBytes) {
    const message = `Cannot launch: arguments and environment take more than ${maxScriptBytes} bytes`;
    throw new TrampfdError(message, { code: 'E2BIG' });
  }

  const bytes = new Uint8Array(byteLength);
  data.copyTo(bytes.subarray(dataOffset));
  const scriptWords = new BigUint64Array(bytes.buffer);
  scriptWords.set([BigInt(pointerCount), BigInt(syscalls.length), BigInt(statusFd)]);
  let nextRelocation = headerWords;
  const writePointer = (position: number, target: number) => {
    scriptWords[nextRelocation++] = BigInt(position);
    scriptWords[position / 8] = BigInt(dataOffset + target);
  };
  for (const [index, value] of syscallWords.entries()) {
    if (typeof value === 'bigint') scriptWords[syscallsOffset / 8 + index] = value;
    else writePointer(syscallsOffset + 8 * index, value.offset);
  }
  for (const { position, target } of data.pointers) writePointer(dataOffset + position, target);
  return bytes;
}
