/** Prints a trampoline: address, registers, code, and memory mappings. */
import { readFileSync } from 'node:fs';
import { disassemble, type Trampoline } from 'trampfd';

export function heading(text: string): void {
  console.log(`\n== ${text}\n`);
}

export function show(title: string, trampoline: Trampoline): void {
  const registers = Object.entries(trampoline.registers ?? {}).map(
    ([name, value]) => `${name} = 0x${value.toString(16)}`,
  );
  console.log(`${title}: call 0x${trampoline.address.toString(16)}`);
  console.log(`  registers  ${registers.join(', ')}`);
  const code = disassemble(trampoline.address);
  console.log(indent('code', code));
  // The entry and its body are in different mappings.
  const starts = code.split('\n').filter((line) => line.includes('endbr64') || line.includes('bti'));
  const addresses = starts.map((line) => BigInt(`0x${line.slice(0, line.indexOf(':'))}`));
  console.log(indent('memory', addresses.flatMap(mappingsAround).join('\n')));
}

/** Returns the lines of /proc/self/maps for the code at an address and for the data that follows it. */
export function mappingsAround(address: bigint): string[] {
  const lines = readFileSync('/proc/self/maps', 'utf8').split('\n');
  const index = lines.findIndex((line) => {
    const [start, end] = rangeOf(line);
    return start <= address && address < end;
  });
  return lines.slice(index, index + 2).map((line) => line.replaceAll(/ +/g, ' '));
}

/** Parses the addresses of a line of /proc/self/maps. */
export function rangeOf(line: string): [start: bigint, end: bigint] {
  const match = /^([0-9a-f]+)-([0-9a-f]+) /.exec(line);
  return match === null ? [0n, 0n] : [BigInt(`0x${match[1]}`), BigInt(`0x${match[2]}`)];
}

function indent(title: string, text: string): string {
  return text
    .split('\n')
    .map((line, index) => `  ${(index === 0 ? title : '').padEnd(10)} ${line}`)
    .join('\n');
}
