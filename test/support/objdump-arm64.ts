/** Decodes A64 code with objdump, whose notation our disassembler uses. */
import { type Line, linesOf } from './objdump.js';

/** Decodes code at address 0. */
export function objdump(code: Uint8Array): Line[] {
  return linesOf(code, ['-m', 'aarch64']).flatMap((line) => parse(line) ?? []);
}

function parse(line: string): Line | undefined {
  const [address, bytes, ...parts] = line.split('\t');
  if (address === undefined || bytes === undefined || parts.length === 0) return undefined;
  // A comment after two slashes repeats an operand in another notation.
  const text = parts.join(' ').split('//')[0]!.trim();
  const memoryAddress = /^(?:ldr|adrp?) \w+, (0x[0-9a-f]+)$/.exec(text)?.[1];
  return {
    address: BigInt(`0x${address.trim().slice(0, -1)}`),
    length: bytes.trim().length / 2,
    text,
    memoryAddress: memoryAddress === undefined ? undefined : BigInt(memoryAddress),
  };
}
