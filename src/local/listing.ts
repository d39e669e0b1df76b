/** Instructions as text for people. */
import { thisMachine } from '../linux/host.js';

export interface Listing {
  readonly text: string;
  /** Where the last instruction jumps, if it says so, or else the last word that was read. */
  readonly leadsTo: bigint | undefined;
}

/** Code up to its first jump. `read` gives the 8 bytes at an address, or throws. */
export function disassembleCode(
  bytes: Uint8Array,
  address: bigint,
  read: (at: bigint) => Uint8Array,
): Listing {
  const lines: string[] = [];
  /** Of the word that was read last: a jump through a register goes there. */
  let value: bigint | undefined;
  for (const instruction of thisMachine().disassemble(bytes, address)) {
    const hex = Array.from(instruction.bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const { refersTo } = instruction;
    if (refersTo !== undefined) value = word(read, refersTo);
    const note = refersTo === undefined ? '' : `   # ${show(value, refersTo)}`;
    lines.push(`${instruction.address.toString(16)}:  ${hex.padEnd(24)}${instruction.text}${note}`);
    if (instruction.ends) return { text: lines.join('\n'), leadsTo: instruction.target ?? value };
  }
  return { text: lines.join('\n'), leadsTo: undefined };
}

function word(read: (at: bigint) => Uint8Array, at: bigint): bigint | undefined {
  try {
    const bytes = read(at);
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true);
  } catch {
    return undefined;
  }
}

const show = (value: bigint | undefined, at: bigint): string =>
  value === undefined ? `unreadable, at 0x${at.toString(16)}` : `0x${value.toString(16)}`;
