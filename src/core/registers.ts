/** The registers that a context may set, on every architecture, with their numbers in RFC v1. */

/** x86-64. Numbers 0 to 7 are registers of 32-bit programs, which a 64-bit context cannot set. */
export const x64Registers = {
  rax: 8,
  rbx: 9,
  rcx: 10,
  rdx: 11,
  rsi: 12,
  rdi: 13,
  rbp: 14,
  r8: 15,
  r9: 16,
  r10: 17,
  r11: 18,
  r12: 19,
  r13: 20,
  r14: 21,
  r15: 22,
  rip: 23,
} as const;

/** arm64: `x0` = 13 to `x28` = 41, `pc` = 42. Numbers 0 to 12 are registers of 32-bit programs. */
export const arm64Registers = {
  x0: 13,
  x1: 14,
  x2: 15,
  x3: 16,
  x4: 17,
  x5: 18,
  x6: 19,
  x7: 20,
  x8: 21,
  x9: 22,
  x10: 23,
  x11: 24,
  x12: 25,
  x13: 26,
  x14: 27,
  x15: 28,
  x16: 29,
  x17: 30,
  x18: 31,
  x19: 32,
  x20: 33,
  x21: 34,
  x22: 35,
  x23: 36,
  x24: 37,
  x25: 38,
  x26: 39,
  x27: 40,
  x28: 41,
  pc: 42,
} as const;

/** Register names of 32-bit programs: for a more specific error. */
const registers32 = ['eax', 'ebx', 'ecx', 'edx', 'esi', 'edi', 'ebp', 'eip', 'r0', 'r1', 'r2', 'r3'];

/** Names that exist on every architecture. `chain` is the static chain of nested functions. */
export type RegisterAlias = 'pc' | 'arg0' | 'arg1' | 'arg2' | 'arg3' | 'arg4' | 'arg5' | 'chain';

/** The register names of all architectures. Using one of another architecture throws. */
export type RegisterName = keyof typeof x64Registers | keyof typeof arm64Registers | RegisterAlias;

/** Registers that a table can load besides the PC, which it always loads. */
export type TableRegister = Exclude<RegisterName, 'pc' | 'rip'>;

/**
 * Registers in a handler's register block, by the names that exist on every architecture. Functions return integers
 * and pointers in `result`. Floating-point arguments are passed in `vector0` and following, and returned in `vector0`.
 */
export type PortableRegisterContextName =
  | (RegisterAlias | 'sp' | 'flags' | 'result')
  | ('vector0' | 'vector1' | 'vector2' | 'vector3' | 'vector4' | 'vector5' | 'vector6' | 'vector7');

/** The names of all architectures for registers in that block, vector registers included. */
export type RegisterContextName =
  | (PortableRegisterContextName | keyof typeof x64Registers | keyof typeof arm64Registers)
  | ('rsp' | 'rflags' | 'xmm0' | 'xmm1' | 'xmm2' | 'xmm3' | 'xmm4' | 'xmm5' | 'xmm6' | 'xmm7')
  | ('x29' | 'x30' | 'nzcv' | 'q0' | 'q1' | 'q2' | 'q3' | 'q4' | 'q5' | 'q6' | 'q7');

/** The register names of one architecture, from `machine/`. */
export interface RegisterFile {
  readonly architecture: string;
  /** Number by name, including the program counter. */
  readonly numbers: Readonly<Record<string, number>>;
  /** The architecture's name by portable name. */
  readonly aliases: Readonly<Record<RegisterAlias, string>>;
}

/**
 * Returns the number of a register, by the architecture's name or an alias.
 * @throws RangeError for an unknown name
 */
export function registerNumber(registerFile: RegisterFile, name: string): number {
  const canonicalName = Object.hasOwn(registerFile.aliases, name)
    ? registerFile.aliases[name as RegisterAlias]
    : name;
  const number = Object.hasOwn(registerFile.numbers, canonicalName)
    ? registerFile.numbers[canonicalName]
    : undefined;
  if (number === undefined) throw new RangeError(unknownRegisterMessage(registerFile, name));
  return number;
}

/**
 * Returns the architecture's name of a register.
 * @throws RangeError for an unknown number
 */
export function registerName(registerFile: RegisterFile, number: number): string {
  const match = Object.keys(registerFile.numbers).find((name) => registerFile.numbers[name] === number);
  if (match === undefined)
    throw new RangeError(`no register of ${registerFile.architecture} has the number ${number}`);
  return match;
}

function unknownRegisterMessage(registerFile: RegisterFile, name: string): string {
  const quoted = JSON.stringify(name);
  if (Object.hasOwn(x64Registers, name) || Object.hasOwn(arm64Registers, name)) {
    return `${quoted} is a register of another architecture; this process runs on ${registerFile.architecture}`;
  }
  if (registers32.includes(name)) {
    return `${quoted} is a register of 32-bit programs; this process runs on ${registerFile.architecture}`;
  }
  const names = [...Object.keys(registerFile.aliases), ...Object.keys(registerFile.numbers)];
  return `no register is called ${quoted}; a context may set ${[...new Set(names)].join(', ')}`;
}
