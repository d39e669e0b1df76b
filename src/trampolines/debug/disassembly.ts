/** Instructions as text for people. */
import { hostMachine } from '../../native/host.js';

export interface Disassembly {
  readonly text: string;
  /** Where the last instruction jumps, if it says so, or else the last word that was read. */
  readonly target: bigint | undefined;
}

/** Code up to its first jump. `read` gives the 8 bytes at an address, or throws. */
export function disassembleCode(
  bytes: Uint8Array,
  address: bigint,
  readWord: (wordAddress: bigint) => Uint8Array,
): Disassembly {
  const lines: string[] = [];
  /** Of the word that was read last: a jump through a register goes there. */
  let lastWord: bigint | undefined;
  for (const instruction of hostMachine().disassemble(bytes, address)) {
    const hex = Array.from(instruction.bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const { memoryAddress } = instruction;
    if (memoryAddress !== undefined) lastWord = tryReadWord(readWord, memoryAddress);
    const comment = memoryAddress === undefined ? '' : `   # ${formatWord(lastWord, memoryAddress)}`;
    lines.push(`${instruction.address.toString(16)}:  ${hex.padEnd(24)}${instruction.text}${comment}`);
    if (instruction.noFallthrough) return { text: lines.join('\n'), target: instruction.target ?? lastWord };
  }
  return { text: lines.join('\n'), target: undefined };
}

function tryReadWord(readWord: (wordAddress: bigint) => Uint8Array, wordAddress: bigint): bigint | undefined {
  try {
    const bytes = readWord(wordAddress);
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true);
  } catch {
    return undefined;
  }
}

const formatWord = (value: bigint | undefined, wordAddress: bigint): string =>
  value === undefined ? `unreadable, at 0x${wordAddress.toString(16)}` : `0x${value.toString(16)}`;
