/**
 * Machine code in a nutshell: a *code image* is position-independent bytes for `count` trampolines of one
 * shape. It is followed in memory by the data slots; every code slot reads its own data slot at a fixed
 * distance, so the image holds no byte that belongs to one trampoline and can be sealed, shared and mapped
 * as often as one likes.
 *
 *     code  | slot 0 | slot 1 | …   padding (traps) |      read, execute
 *     data  | slot 0 | slot 1 | …                   |      read (and write, unless isolated)
 *
 * Everything here is pure: bytes in, bytes out. Nothing above this room knows the architecture.
 */
import type { RegisterFile } from '../trampoline/registers.js';
import type { Shape } from '../trampoline/shape.js';

/** The system calls that we make or filter. */
export type SystemCalls = Readonly<Record<SystemCallName, number>>;
export type SystemCallName =
  | ('read' | 'write' | 'pread64' | 'pwrite64' | 'close' | 'dup3' | 'openat' | 'fcntl' | 'mmap')
  | ('execve' | 'chdir' | 'exit_group' | 'prlimit64' | 'process_madvise')
  | ('rt_sigaction' | 'rt_sigprocmask' | 'rt_sigreturn' | 'rt_tgsigqueueinfo' | 'getpid' | 'gettid')
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
}

/** One decoded instruction. */
export interface Instruction {
  readonly address: bigint;
  readonly bytes: Uint8Array;
  /** In the manual's notation, as a disassembler prints it. */
  readonly text: string;
  /** The address of the memory operand, where the code tells it. */
  readonly refersTo: bigint | undefined;
  /** Whether control never goes on to the next instruction. */
  readonly ends: boolean;
}

/**
 * How a freed trampoline says whose it was before it traps: code that writes a message to standard error and
 * then jumps to the trap, told by registers what and where.
 */
export interface FarewellCode {
  /** What code page methods call it. */
  readonly key: string;
  readonly bytes: Uint8Array;
  /** The registers that carry the message's address, its length and the trap's address. */
  readonly registers: { readonly text: number; readonly length: number; readonly trap: number };
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

/** The handler of faults behind slow trampolines. Its control block stands at a fixed distance. */
export interface FaultHandlerCode {
  /** What code page methods call it. */
  readonly key: string;
  readonly bytes: Uint8Array;
  /** Where the routine of each type begins. */
  readonly types: Readonly<Record<string, number>>;
  /** Where the handler returns to: the system call `rt_sigreturn`. */
  readonly restorerAt: number;
}

/** One architecture. */
export interface Machine {
  readonly architecture: string;
  readonly registerFile: RegisterFile;
  /** `e_machine` of ELF files. */
  readonly elfMachine: number;
  readonly farewell: FarewellCode;
  /** A function that returns at once. */
  readonly emptyFunction: Uint8Array;
  /** System call numbers, by their kernel names. */
  readonly systemCalls: SystemCalls;
  /** What a seccomp filter sees as the architecture of a call: `AUDIT_ARCH_…`. */
  readonly auditArchitecture: number;
  /** Numbers from here on belong to another ABI with the same architecture, where there is one. */
  readonly foreignNumbers: number | undefined;
  /** Code for SIGSEGV, whose control block stands at `controlAt`, in bytes from its start. */
  faultHandler(controlAt: number): FaultHandlerCode;
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
  /** Bytes of one code slot, and where in it the trap stands. */
  slotLayout(shape: Shape): Pick<CodeImage, 'stride' | 'trapAt'>;
  /** Code for as many trampolines as `byteLength` (whole pages) holds. */
  codeImage(shape: Shape, byteLength: number): CodeImage;
  /** Decodes code that stands at `address`, as far as trampolines are made of it. */
  disassemble(bytes: Uint8Array, address: bigint): Instruction[];
}
