/** Decodes x86-64 code with objdump, in the notation of our disassembler. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gpr8, gpr16, gpr32, gpr64, xmm } from '#src/machine/x64/asm/operands.js';

export interface Line {
  readonly address: bigint;
  readonly length: number;
  readonly text: string;
  /** Address of a RIP-relative operand. */
  readonly memoryAddress: bigint | undefined;
}

/** Decodes code at address 0. */
export function objdump(code: Uint8Array): Line[] {
  // Wide enough that no instruction needs a second line.
  const options = ['--insn-width=16', '-m', 'i386:x86-64', '-M', 'intel'];
  return linesOf(code, options).flatMap((line) => parse(line) ?? []);
}

/** Returns the output of objdump in lines. */
export function linesOf(code: Uint8Array, options: readonly string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'trampfd-test-'));
  try {
    const file = join(folder, 'code');
    writeFileSync(file, code);
    // -z: includes runs of zeros.
    const all = ['-D', '-z', '-b', 'binary', ...options, file];
    return execFileSync('objdump', all, { encoding: 'utf8', maxBuffer: 2 ** 29 }).split('\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function parse(line: string): Line | undefined {
  const [address, bytes, text] = line.split('\t');
  if (address === undefined || bytes === undefined || text === undefined) return undefined;
  const [instruction, target] = text.split('#');
  return {
    address: BigInt(`0x${address.trim().slice(0, -1)}`),
    length: bytes.trim().split(' ').length,
    text: normalise(instruction!.trim()),
    memoryAddress: target === undefined ? undefined : BigInt(target.trim()),
  };
}

const sizes = new Map<string, number>([
  ...gpr64.map((name) => [name, 64] as const),
  ...gpr32.map((name) => [name, 32] as const),
  ...gpr16.map((name) => [name, 16] as const),
  ...gpr8.map((name) => [name, 8] as const),
  ...xmm.map((name) => [name, 128] as const),
  ['xmmword', 128],
  ...(['qword', 'dword', 'word', 'byte'] as const).map((name, index) => [name, 64 >> index] as const),
]);

/**
 * Converts objdump's notation to ours: signed numbers, no displacement of 0, a size only if no register implies it, and
 * MOV in place of "movabs".
 */
function normalise(text: string): string {
  // Its operands are implicit.
  if (/^rep (rex\S* )?movs byte/i.test(text)) return 'rep movsb';
  const [mnemonic, list] = /^((?:lock )?\S+) *(.*)$/
    .exec(text.replace(/^(lock )?rex(\.[WRXB]+)? /, '$1').replace(/^movabs/, 'mov'))!
    .slice(1) as [string, string];
  const operands = list.toLowerCase().split(',');
  const size = sizes.get(operands[0]!.split(' ')[0]!) ?? 64;
  const sizeIsImplied = operands.some((operand) => sizes.has(operand));
  const written = operands.map((operand) => {
    if ((mnemonic.startsWith('j') || mnemonic === 'call') && operand.startsWith('0x')) return operand;
    if (operand.startsWith('0x')) return signed(BigInt.asIntN(size, BigInt(operand)));
    const memory = operand.replace(/\+(0x[0-9a-f]+)\]/, (_, value: string) => {
      const displacement = BigInt.asIntN(64, BigInt(value));
      if (displacement === 0n && !operand.includes('rip')) return ']';
      return `${displacement < 0n ? '' : '+'}${signed(displacement)}]`;
    });
    return sizeIsImplied ? memory.replace(/^\w+ ptr /, '') : memory;
  });
  // objdump omits the size of these.
  const name = mnemonic === 'pushf' || mnemonic === 'popf' ? `${mnemonic}q` : mnemonic;
  return `${name} ${written.join(', ')}`.trim();
}

const signed = (value: bigint): string =>
  value < 0n ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
