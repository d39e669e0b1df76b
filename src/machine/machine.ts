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
import type { CPlatform, Signature } from '../abi/c-types.js';
import type { RegisterContext, StackContext, StackLayout } from '../trampoline/contexts.js';
import type { PortableSavedRegister, RegisterFile, SavedRegister } from '../trampoline/registers.js';
import type { Shape } from '../trampoline/shape.js';
import type { CallLayout } from './calls.js';
import type { Frame } from './eh-frame.js';

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
  readonly trapAt: number;
  /** How to unwind through the part that all slots share, where that calls functions. */
  readonly frame?: Frame;
}

/** One decoded instruction. */
export interface Instruction {
  readonly address: bigint;
  readonly bytes: Uint8Array;
  /** In the manual's notation, as a disassembler prints it. */
  readonly text: string;
  /** The address of the memory operand, where the code tells it. */
  readonly refersTo: bigint | undefined;
  /** Where it jumps to, or may, where the code tells it. */
  readonly target: bigint | undefined;
  /** Whether control never goes on to the next instruction. */
  readonly ends: boolean;
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
export interface FarewellCode extends NamedCode {
  /** The registers that carry the message's address, its length and the trap's address. */
  readonly registers: { readonly text: number; readonly length: number; readonly trap: number };
}

/** The block in which a handler finds the registers. */
export interface SavedRegisters {
  /** Bytes. */
  readonly size: number;
  /** Where each register stands, by the names that mean the same on every architecture and by its own, if it is here. */
  readonly offsets: Readonly<Record<PortableSavedRegister, number> & Partial<Record<SavedRegister, number>>>;
}

/** What the launcher's code has to know of the program around it, and of those who use it. */
export interface LauncherLayout {
  /** Where the buffer for the list begins, in bytes from the start of the code, and how long it is. */
  readonly buffer: number;
  readonly bufferLength: number;
  /** The descriptor that the list is read from. */
  readonly listDescriptor: number;
  /** What the program exits with when a call failed. */
  readonly failed: number;
}

/** A signal handler that writes what it is told of the signal to a descriptor. */
export interface SignalRelayCode {
  readonly bytes: Uint8Array;
  /** Where the handler returns to: the system call `rt_sigreturn`. */
  readonly restorerAt: number;
}

/** The handler of faults behind slow trampolines. Its control block stands at a fixed distance. */
export interface FaultHandlerCode extends NamedCode {
  /** Where the routine of each type begins. */
  readonly types: Readonly<Record<string, number>>;
  /** Where the handler returns to: the system call `rt_sigreturn`. */
  readonly restorerAt: number;
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
  body(contexts: ObjectContexts, random: RandomWord, place: BodyPlace): Uint8Array;
  /** Entries that read what to load from two arrays, and the code that they share. */
  table(table: TableContexts, random: RandomWord): TableCode;
}

/** The code before the selectors. */
export interface EntryCode {
  /** Where the first entry stands, in bytes from the start of the range: a multiple of 16. */
  readonly firstAt: number;
  /** Bytes from one entry to the next: a multiple of 16. */
  readonly stride: number;
  /** Bytes of `count` entries, with what they share. */
  length(count: number): number;
  /** Code for `count` entries, whose selectors stand `selectorsAt` bytes from the start of the range: whole pages. */
  code(count: number, place: { readonly selectorsAt: number }): Uint8Array;
  /**
   * What the selector of an object without registers leads to: the trap in its entry, or what takes the place of a
   * body and goes on to that.
   * @param index the entry's
   */
  trapAt(index: number): number;
}

/** Where a body will stand. */
export interface BodyPlace {
  /** In bytes from the start of the range. */
  readonly at: number;
  /** Bytes of the entries, and of what they share: `EntryCode.length`. */
  readonly codeLength: number;
}

/** What a body does. */
export interface ObjectContexts extends Pick<RegisterContext, 'pc' | 'loads'> {
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
export type RandomWord = () => bigint;

/** The registers of a stopped thread, as `ptrace(PTRACE_GETREGSET)` gives them for `NT_PRSTATUS`: offsets in bytes. */
export interface ThreadRegisters {
  readonly size: number;
  readonly pc: number;
  readonly sp: number;
  /** Of a register, by its number in the C interface. */
  at(register: number): number;
}

/** The code between C and JavaScript. Constants and state stand behind it: see glue-layout.ts. */
export interface GlueCode {
  /** What code page methods call it. */
  readonly key: string;
  readonly bytes: Uint8Array;
  /** Where closures lead to, with the kind and the number of the closure in `closureRegisters`. */
  readonly closureAt: number;
  /** The function that Node calls when it loads the module. */
  readonly initialiseAt: number;
}

/** One architecture. */
export interface Machine {
  readonly architecture: string;
  readonly registerFile: RegisterFile;
  /** `e_machine` of ELF files. */
  readonly elfMachine: number;
  farewell(): FarewellCode;
  readonly savedRegisters: SavedRegisters;
  /** A function that loads all registers from a block, whose address is its argument, and never returns. */
  resume(): NamedCode;
  /** A function that returns at once. */
  emptyFunction(): Uint8Array;
  /** System call numbers, by their kernel names. */
  readonly systemCalls: SystemCalls;
  /** What a seccomp filter sees as the architecture of a call: `AUDIT_ARCH_…`. */
  readonly auditArchitecture: number;
  /** Numbers from here on belong to another ABI with the same architecture, where there is one. */
  readonly foreignNumbers: number | undefined;
  /** What C's types are here. */
  readonly cPlatform: CPlatform;
  /** Where arguments and result of a function are. */
  callLayout(signature: Pick<Signature, 'args' | 'result'>): CallLayout;
  /** Code for SIGSEGV, whose control block stands at `controlAt`, in bytes from its start. */
  faultHandler(controlAt: number): FaultHandlerCode;
  /** Code that writes the first `length` bytes of `siginfo_t` to a descriptor. */
  signalRelay(fd: number, length: number): SignalRelayCode;
  /** Code between C and JavaScript, whose constants stand at `constantsAt`, in bytes from its start. */
  glue(constantsAt: number): GlueCode;
  /** The registers in which a closure tells the glue its kind and its number: ascending. */
  readonly closureRegisters: { readonly kind: number; readonly id: number };
  /** A function that goes on to the address that stands `distance` bytes from its start. */
  jumpThrough(distance: number): Uint8Array;
  /** The number of the register that the first bit of a descriptor's mask stands for. */
  readonly firstRegister: number;
  /** Code that reads a list of system calls and makes them. */
  launcher(layout: LauncherLayout): Uint8Array;
  /** Code, and traps behind it up to a length. */
  padCode(code: Uint8Array, length: number): Uint8Array;
  /**
   * Refuses a shape that this architecture cannot express (`RangeError`).
   * @param subject what to call the registers in the error
   */
  checkShape(shape: Shape, subject: string): void;
  /** The longest code, in bytes, from which every slot reaches its data. */
  readonly longestImage: number;
  /** Bytes of one code slot, and where in it the trap stands. */
  slotLayout(shape: Shape): Pick<CodeImage, 'stride' | 'trapAt'>;
  /** Code for as many trampolines as `byteLength` (whole pages) holds. */
  codeImage(shape: Shape, byteLength: number): CodeImage;
  readonly objectCode: ObjectCode;
  readonly threadRegisters: ThreadRegisters;
  /** The return address that a function finds that a thread is about to enter. */
  callerOf(registers: DataView, wordAt: (address: bigint) => bigint): bigint;
  /** Where stack data goes at an invocation with the stack pointer `sp`, and the stack pointer at the target. */
  stackPlace(sp: bigint, layout: StackLayout): { readonly dataAt: bigint; readonly sp: bigint };
  /** Decodes code that stands at `address`, as far as trampolines are made of it. */
  disassemble(bytes: Uint8Array, address: bigint): Instruction[];
}
