/** Disassembly of trampolines in this process. */
import { isCodeAddress } from '../codepage/regions.js';
import { nonNullAddress } from '../core/validate.js';
import { readMemory } from '../linux/process/proc-mem.js';
import { disassembleCode } from './debug/disassembly.js';

/** Enough for the longest trampoline. */
const maxCodeBytes = 512;

/**
 * Returns the instructions of a trampoline, one a line: address, bytes, text, and the value of each word that it reads.
 * If the code jumps to other code of trampolines, as the entry of an atomic trampoline does to its body, that is
 * included. Decodes only the instructions that trampolines consist of.
 *
 * @example
 * ```ts
 * import { createTrampoline, disassemble, symbolAddress } from 'trampfd';
 *
 * console.log(disassemble(createTrampoline({ registers: { pc: symbolAddress('getpid') } }).address));
 * ```
 * @throws TrampfdError `EIO` if nothing is mapped at the address
 */
export function disassemble(address: bigint): string {
  nonNullAddress(address, 'address');
  const listings = new Map<bigint, string>();
  let next: bigint | undefined = address;
  do {
    const { text, target } = disassembleCode(readMemory(next, maxCodeBytes), next, (wordAddress) =>
      readMemory(wordAddress, 8),
    );
    listings.set(next, text);
    next = target;
    // Trampolines can jump to each other in a cycle.
  } while (next !== undefined && isCodeAddress(next) && !listings.has(next));
  return [...listings.values()].join('\n');
}
