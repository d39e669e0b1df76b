/** Formats machine code as assembly text. */
import { hostMachine } from '../../native/host.js';

export interface Disassembly {
  readonly text: string;
  /** The jump target of the last instruction, or the last word that was read if it jumps through a register. */
  readonly target: bigint | undefined;
}

/** Disassembles code up to its first jump. @param readWord returns the 8 bytes at an address, or throws */
export function disassembleCode(
  bytes: Uint8Array,
  address: bigint,
  readWord: (wordAddress: bigint) => Uint8Array,
): Disassembly {
  const lines: string[] = [];
  /** The word that was read last: the target of a jump through a register. */
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
