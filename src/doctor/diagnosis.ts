/**
 * A diagnosis, as TypeScript sees it. Written out, though `schema.ts` says the same, so that the package's declarations
 * need no library's types.
 */
import type { CodeSource } from '../codepage/code-page-method.js';

/** What a system says to one code page method. */
export type MethodDiagnosis = WorkingMethod | RefusedMethod;

export interface WorkingMethod {
  works: true;
}

export interface RefusedMethod {
  works: false;
  /** Who forbids it. */
  refusedBy: string;
  /** The system call that was refused. */
  syscall: string | null;
  /** Its error, by name. */
  errno: string | null;
  /** The line to change, or the command. */
  fix: string | null;
  /** Whether who refuses is a conclusion from the signs, not seen to be so. */
  inferred: boolean;
  /** The error as a program meets it. */
  message: string;
}

/** Where a folder is mounted, and whether programs can be run from there. */
export interface FolderReport {
  path: string;
  mount: string;
  noexec: boolean;
}

/** What the system looks like from inside a process that tries. */
export interface SystemReport {
  kernel: string;
  architecture: string;
  pageSize: number;
  node: string;
  /** Whether Node can only run with --jitless. */
  nodeNeedsJitless: boolean;
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
  /** Whether the processor checks where indirect branches arrive. */
  landingPads: boolean;
  /** Whether processor and kernel have shadow stacks for programs. */
  shadowStacks: boolean;
}

/** What a system allows: the result of {@link diagnose}. */
export interface Diagnosis {
  /** Restrictions that were applied for this diagnosis. */
  restrictions: string[];
  methods: Record<CodeSource, MethodDiagnosis>;
  system: SystemReport;
}
