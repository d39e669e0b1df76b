/**
 * TypeScript types of a diagnosis. They repeat `schema.ts`, so that the package's declarations need no types of a
 * library; `schema.ts` does not compile if the two differ.
 */
import type { CodeSource } from '../codepage/code-page-method.js';

/** The result for one code page method. */
export type MethodDiagnosis = WorkingMethod | RefusedMethod;

export interface WorkingMethod {
  works: true;
}

export interface RefusedMethod {
  works: false;
  /** The mechanism that forbids it, such as `MDWE` or `seccomp filter`. */
  refusedBy: string;
  /** The system call that was refused. */
  syscall: string | null;
  /** Its error, by name. */
  errno: string | null;
  /** The line to change, or the command. */
  fix: string | null;
  /** Whether `refusedBy` is inferred from symptoms; no test confirms this conclusion. */
  inferred: boolean;
  /** The error message that a program gets. */
  message: string;
}

/** The mount of a folder, and whether it allows execution. */
export interface FolderReport {
  path: string;
  mount: string;
  noexec: boolean;
}

/** The state of the system, as seen by a probe process. */
export interface SystemReport {
  kernel: string;
  architecture: string;
  pageSize: number;
  node: string;
  /** Whether Node can only run with --jitless. */
  nodeNeedsJitless: boolean;
  /** Whether native functions can be `fast` with this build of Node and these rules. Options of Node can prevent it too. */
  fastCalls: { works: true } | { works: false; message: string };
  mdwe: boolean;
  seccomp: 'none' | 'strict' | 'filter';
  selinux: 'absent' | 'permissive' | 'enforcing';
  lockdown: string | null;
  /** vm.memfd_noexec */
  memfdNoexec: number | null;
  temporaryFolder: FolderReport;
  packageFolder: FolderReport;
  /** kernel.yama.ptrace_scope */
  yama: number | null;
  features: {
    mseal: boolean;
    mdwe: boolean;
    memfdNoexecSeal: boolean;
    seccompNotification: boolean;
    procmapQuery: boolean;
    userNamespaces: boolean;
  };
  /** Whether the processor checks landing pads of indirect branches. */
  landingPads: boolean;
  /** Whether processor and kernel have shadow stacks for programs. */
  shadowStacks: boolean;
}

/** The result of {@link diagnose}. */
export interface Diagnosis {
  /** Restrictions that were applied for this diagnosis. */
  restrictions: string[];
  methods: Record<CodeSource, MethodDiagnosis>;
  system: SystemReport;
}
