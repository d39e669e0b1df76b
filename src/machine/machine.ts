/**
 * Machine code in a nutshell: a *code image* is position-independent bytes for `count` trampolines of one
 * shape. It is followed in memory by the data slots; every code slot reads its own data slot at a fixed
 * distance, so the image holds no byte that belongs to one trampoline and can be sealed, shared and mapped
 * as often as one likes.
 *
 *     code  | slot 0 | slot 1 | …   traps | common |      read, execute
 *     data  | slot 0 | slot 1 | …                   |      read (and write, unless isolated)
 *
 * Slots of some types go on to a part that they have in common. Everything here is pure: bytes in, bytes out.
 * Nothing above this room knows the architecture.
 */

import type { RegisterContext, StackContext, StackLayout } from '../core/contexts.js';
import type { PortableSavedRegister, RegisterFile, SavedRegister } from '../core/registers.js';
import type { Shape } from '../core/shape.js';
import type { PlatformTypes, Signature } from './c-types.js';
import type { CallLayout } from './call-layout.js';
import type { FrameDescription } from './eh-frame.js';

/** The system calls that we make or filter. */
export type SystemCalls = Readonly<Record<SystemCallName, number>>;
export type SystemCallName =
  | ('read' | 'write' | 'pread64' | 'pwrite64' | 'close' | 'openat' | 'fcntl' | 'dup3')
  | ('execve' | 'chdir' | 'exit_group' | 'mmap' | 'munmap' | 'prlimit64')
  | ('rt_sigaction' | 'rt_sigprocmask' | 'rt_sigreturn' | 'rt_sigqueueinfo' | 'rt_tgsigqueueinfo')
  | ('getpid' | 'gettid' | 'pidfd_open' | 'pidfd_getfd')
  | ('process_vm_readv' | 'process_vm_writev' | 'process_madvise')
  | ('futex' | 'sched_yield')
  | ('prctl' | 'seccomp' | 'personality' | 'shmat' | 'memfd_create' | 'memfd_secret')
  | ('clone' | 'clone3' | 'unshare' | 'setns' | 'chroot' | 'pivot_root')
  | ('mount' | 'umount2' | 'open_tree' | 'open_tree_attr' | 'move_mount' | 'mount_setattr')
  | ('fsopen' | 'fsconfig' | 'fsmount' | 'fspick' | 'open_by_handle_at')
  | ('ptrace' | 'userfaultfd' | 'io_uring_setup' | 'perf_event_open' | 'bpf');

/** Code for trampolines of one shape. The data slots begin right behind `bytes`. */
export interface CodeImage {
  readonly shape: Shape;
  readonly bytes: Uint8Array;
  /** Code slots in `bytes`. */
  readonly count: number;
  /** Bytes from one code slot to the next. */
  readonly stride: number;
  /** Where in a code slot the trap behind the jump stands: what the PC of a free slot points to. */
  readonly trapOffset: number;
  /** How to unwind through the part that all slots share, where that calls functions. */
  readonly frame?: FrameDescription;
}

/** One decoded instruction. */
export interface Instruction {
  readonly address: bigint;
  readonly bytes: Uint8Array;
  /** In the manual's notation, as a disassembler prints it. */
  readonly text: string;
  /** The address of the memory operand, where the code tells it. */
  readonly memoryAddress: bigint | undefined;
  /** Where it jumps to, or may, where the code tells it. */
  readonly target: bigint | undefined;
  /** Whether control never goes on to the next instruction. */
  readonly noFallthrough: boolean;
}

/** Code that is no table of slots. */
export interface NamedCode {
  /** What code page methods call it. */
  readonly key: string;
  readonly bytes: Uint8Array;
}

/**
 * How a freed trampoline says whose it was before it traps: code that writes a message to standard error and
 * then jumps to the trap, told by registers what and where.
 */
export interface FreedCallStubCode extends NamedCode {
  /** The registers that carry the message's address, its length and the trap's address. */
  readonly registers: { readonly message: number; readonly length: number; readonly trap: number };
}

/** The block in which a handler finds the registers. */
export interface SavedRegisters {
  /** Bytes. */
  readonly size: number;
  /** Where each register stands, by the names that mean the same on every architecture and by its own, if it is here. */
  readonly offsets: Readonly<Record<PortableSavedRegister, number> & Partial<Record<SavedRegister, number>>>;
}

/** A signal handler that writes what it is told of the signal to a descriptor. */
export interface SiginfoToFdCode {
  readonly bytes: Uint8Array;
  /** Where the handler returns to: the system call `rt_sigreturn`. */
  readonly restorerOffset: number;
}

/** The handler of faults behind slow trampolines. Its control block stands at a fixed distance. */
export interface FaultHandlerCode extends NamedCode {
  /** Where the routine of each type begins. */
  readonly routineOffsets: Readonly<Record<string, number>>;
  /** Where the handler returns to: the system call `rt_sigreturn`. */
  readonly restorerOffset: number;
}

/**
 * Code of *supervised objects*. Their code is one file, which the supervisor alone can write, and which programs map
 * shared, read-only and executable, as one range, wherever and as often as they like:
 *
 *     entries    | entry 0 | entry 1 | …  |   what the program calls
 *     selectors  | u64 | u64 | …          |   for each: where its body stands, in bytes from the start of the range
 *     bodies     | body | body | …        |   each written once before a selector leads there
 *
 * So the code depends on no address of its own. And since everything in the range can be executed, nothing that a
 * program chose may stand there as the program chose it: values are blinded with random bits, others for each.
 * `r10` and `r11` of x86-64, `x16` and `x17` of arm64 are lost when the contexts do not set them.
 */
export interface ObjectCode {
  /** Entries that go on to their bodies. */
  readonly entries: EntryCode;
  /**
   * Entries that lose no register. The part that they share saves all, calls the body with the address of what was
   * saved and the trampoline's address as arguments, and loads all registers from what it finds there afterwards. So
   * a body that only sets the PC goes on to a handler. What stands before the first entry is an unwind table for
   * the part that calls, in the form of `.eh_frame`, with relative addresses.
   */
  handlerEntries(): EntryCode;
  /** Bytes of a body: a multiple of 64, enough for the longest. */
  readonly bodySize: number;
  /** A body that loads registers, writes stack data and jumps: `bodySize` bytes. */
  body(contexts: ObjectContexts, random: RandomU64, position: BodyPosition): Uint8Array;
  /** Entries that read what to load from two arrays, and the code that they share. */
  tableCode(contexts: TableContexts, random: RandomU64): TableCode;
}

/** The code before the selectors. */
export interface EntryCode {
  /** Where the first entry stands, in bytes from the start of the range: a multiple of 16. */
  readonly firstOffset: number;
  /** Bytes from one entry to the next: a multiple of 16. */
  readonly stride: number;
  /** Bytes of `count` entries, with what they share. */
  length(count: number): number;
  /** Code for `count` entries, whose selectors stand `selectorsAt` bytes from the start of the range: whole pages. */
  code(count: number, layout: { readonly selectorsOffset: number }): Uint8Array;
  /**
   * What the selector of an object without registers leads to: the trap in its entry, or what takes the place of a
   * body and goes on to that.
   * @param index the entry's
   */
  trapOffset(index: number): number;
}

/** Where a body will stand. */
export interface BodyPosition {
  /** In bytes from the start of the range. */
  readonly offset: number;
  /** Bytes of the entries, and of what they share: `EntryCode.length`. */
  readonly entriesLength: number;
}

/** What a body does. */
export interface ObjectContexts extends Pick<RegisterContext, 'pc' | 'assignments'> {
  readonly stack: StackContext | undefined;
}

/**
 * The trampolines of a table, as in RFC v2: number i loads the code register with the i-th word of one array, the
 * data register with that of the other, and jumps to the code register. The arrays are the program's, and are read
 * at every invocation.
 */
export interface TableContexts {
  readonly count: number;
  /** Registers, by their numbers in the C interface: two different ones, neither of them the PC. */
  readonly codeRegister: number;
  readonly dataRegister: number;
  /** Addresses of the arrays. */
  readonly codeTable: bigint;
  readonly dataTable: bigint;
}

export interface TableCode {
  /** Everything that is to be mapped. */
  readonly bytes: Uint8Array;
  /** Bytes from one entry to the next; the first stands at the start. */
  readonly stride: number;
}

/** Gives 64 bits that nobody can foresee, others at each call. */
export type RandomU64 = () => bigint;

/** The registers of a stopped thread, as `ptrace(PTRACE_GETREGSET)` gives them for `NT_PRSTATUS`: offsets in bytes. */
export interface UserRegs {
  readonly size: number;
  readonly pc: number;
  readonly sp: number;
  /** Of a register, by its number in the C interface. */
  offsetOf(register: number): number;
}

/** The code between C and JavaScript. Constants and state stand behind it: see glue-layout.ts. */
export interface GlueCode {
  /** What code page methods call it. */
  readonly key: string;
  readonly bytes: Uint8Array;
  /** Where closures lead to, with the kind and the number of the closure in `closureRegisters`. */
  readonly callbackEntryOffset: number;
  /** The function that Node calls when it loads the module. */
  readonly initialiseOffset: number;
}

/** One architecture. */
export interface Machine {
  readonly architecture: string;
  readonly registerFile: RegisterFile;
  /** `e_machine` of ELF files. */
  readonly elfMachine: number;
  freedCallStub(): FreedCallStubCode;
  readonly savedRegisters: SavedRegisters;
  /** A function that loads all registers from a block, whose address is its argument, and never returns. */
  restoreContext(): NamedCode;
  /** System call numbers, by their kernel names. */
  readonly systemCalls: SystemCalls;
  /** What a seccomp filter sees as the architecture of a call: `AUDIT_ARCH_…`. */
  readonly auditArch: number;
  /** Numbers from here on belong to another ABI with the same architecture, where there is one. */
  readonly x32Bit: number | undefined;
  /** What C's types are here. */
  readonly cPlatform: PlatformTypes;
  /** Where arguments and result of a function are. */
  callLayout(signature: Pick<Signature, 'args' | 'result'>): CallLayout;
  /** Code for SIGSEGV, whose control block stands at `controlAt`, in bytes from its start. */
  faultHandler(controlOffset: number): FaultHandlerCode;
  /** Code that writes the first `length` bytes of `siginfo_t` to a descriptor. */
  siginfoToFdHandler(fd: number, length: number): SiginfoToFdCode;
  /** Code between C and JavaScript, whose constants stand at `constantsAt`, in bytes from its start. */
  glue(constantsOffset: number): GlueCode;
  /** The registers in which a closure tells the glue its kind and its number: ascending. */
  readonly callbackRegisters: { readonly callbackInterface: number; readonly id: number };
  /** The number of the register that the first bit of a descriptor's mask stands for. */
  readonly maskBase: number;
  /** Code, and traps behind it up to a length. */
  padWithTraps(code: Uint8Array, length: number): Uint8Array;
  /**
   * Refuses a shape that this architecture cannot express (`RangeError`).
   * @param subject what to call the registers in the error
   */
  assertShape(shape: Shape, subject: string): void;
  /** The longest code, in bytes, from which every slot reaches its data. */
  readonly maxImageBytes: number;
  /** Bytes of one code slot, and where in it the trap stands. */
  slotLayout(shape: Shape): Pick<CodeImage, 'stride' | 'trapOffset'>;
  /** Code for as many trampolines as `byteLength` (whole pages) holds. */
  codeImage(shape: Shape, byteLength: number): CodeImage;
  readonly objectCode: ObjectCode;
  readonly userRegs: UserRegs;
  /** The return address that a function finds that a thread is about to enter. */
  returnAddressOf(registers: DataView, readWord: (address: bigint) => bigint): bigint;
  /** Where stack data goes at an invocation with the stack pointer `sp`, and the stack pointer at the target. */
  stackDataTarget(sp: bigint, layout: StackLayout): { readonly dataAddress: bigint; readonly sp: bigint };
  /** Decodes code that stands at `address`, as far as trampolines are made of it. */
  disassemble(bytes: Uint8Array, address: bigint): Instruction[];
}
