/**
 * Rules that conclude from a failed system call and the state of the system what refuses a method. The first rule
 * that matches applies. A rule that is confirmed by a test, which applies the restriction and then the fix, is not
 * `inferred`.
 */
import type { CodeSource } from '../codepage/code-page-method.js';
import type { ProbeResult } from './probe.js';
import type { MethodDiagnosis } from './schema.js';
import type { ProcessReport } from './system.js';

type ProbeFailure = Extract<ProbeResult, { works: false }>;

interface FailedProbe {
  readonly method: CodeSource;
  readonly failure: ProbeFailure;
  readonly system: ProcessReport;
}

interface Rule {
  readonly matches: (probe: FailedProbe) => boolean;
  readonly refusedBy: (probe: FailedProbe) => string;
  readonly fix: (probe: FailedProbe) => string | null;
  readonly inferred: boolean;
}

/** Whether a method needs memory that is both writable and executable, at once or in turn. */
const needsWxTransition = (method: CodeSource): boolean => method === 'rwx' || method === 'remap';

const noexecFolder = ({ method, system }: FailedProbe) =>
  method === 'file' ? system.temporaryFolder : method === 'template' ? system.packageFolder : undefined;

const rules: readonly Rule[] = [
  {
    matches: ({ failure }) => failure.code === 'ERR_TRAMPFD_NO_SUPERVISOR',
    refusedBy: () => 'no supervisor',
    fix: () => 'trampfd run -- program',
    inferred: false,
  },
  {
    matches: ({ failure }) => ['ERR_TRAMPFD_CRASHED', 'ERR_TRAMPFD_WRONG_RESULT'].includes(failure.code),
    refusedBy: () => 'unknown',
    fix: () => null,
    inferred: true,
  },
  {
    matches: ({ failure }) => failure.code === 'ENOSYS',
    refusedBy: ({ failure, system }) => `kernel ${system.kernel} has no ${failure.syscall}`,
    fix: () => null,
    inferred: true,
  },
  {
    matches: ({ method, system, failure }) =>
      needsWxTransition(method) && system.mdwe && failure.code === 'EACCES',
    refusedBy: () => 'MDWE',
    fix: () => 'MemoryDenyWriteExecute=no',
    inferred: false,
  },
  {
    matches: (probe) =>
      probe.failure.syscall === 'mmap' &&
      probe.failure.code === 'EPERM' &&
      noexecFolder(probe)?.noexec === true,
    refusedBy: (probe) => `noexec mount ${noexecFolder(probe)!.mount}`,
    fix: (probe) => `mount -o remount,exec ${noexecFolder(probe)!.mount}`,
    inferred: false,
  },
  {
    matches: ({ failure, system }) =>
      failure.syscall === 'memfd_create' && failure.code === 'EACCES' && (system.memfdNoexec ?? 0) > 0,
    refusedBy: () => 'vm.memfd_noexec',
    fix: () => 'sysctl vm.memfd_noexec=1',
    inferred: true,
  },
  {
    matches: ({ failure, system }) => failure.syscall === 'memfd_create' && system.seccomp === 'filter',
    refusedBy: () => 'seccomp filter',
    fix: () => 'SystemCallFilter=memfd_create',
    inferred: false,
  },
  {
    matches: ({ method, system, failure }) =>
      needsWxTransition(method) && system.selinux === 'enforcing' && failure.code === 'EACCES',
    refusedBy: () => 'SELinux execmem',
    fix: () => 'setsebool -P deny_execmem 0',
    inferred: true,
  },
  {
    matches: ({ system, failure }) => system.selinux === 'enforcing' && failure.code === 'EACCES',
    refusedBy: () => 'SELinux execute',
    fix: () => 'ausearch -m avc -ts recent | audit2allow -M trampfd',
    inferred: true,
  },
  {
    matches: ({ method, failure }) => method === 'template' && failure.code === 'ENOENT',
    refusedBy: () => 'the installed package is incomplete',
    fix: () => 'npm install trampfd',
    inferred: false,
  },
  {
    matches: ({ method, failure }) => method === 'template' && failure.code === 'ERR_TRAMPFD_TEMPLATE',
    refusedBy: () => 'the installed package was changed',
    fix: () => 'npm install trampfd',
    inferred: false,
  },
  {
    matches: ({ method, failure }) => method === 'file' && /^open/.test(failure.syscall ?? ''),
    refusedBy: ({ system }) => `${system.temporaryFolder.path} cannot be written`,
    fix: () => 'TMPDIR=/a/folder/that/can/be/written',
    inferred: true,
  },
  {
    matches: ({ system }) => system.lockdown !== null && system.lockdown !== 'none',
    refusedBy: ({ system }) => `lockdown (${system.lockdown})`,
    fix: () => null,
    inferred: true,
  },
  {
    matches: ({ system }) => system.seccomp === 'filter',
    refusedBy: () => 'seccomp filter',
    fix: ({ failure }) => (failure.syscall === null ? null : `SystemCallFilter=${failure.syscall}`),
    inferred: true,
  },
];

/** Returns what refuses a method, by the first rule that matches. */
export function diagnoseFailure(probe: FailedProbe): MethodDiagnosis {
  const { failure } = probe;
  const rule = rules.find(({ matches }) => matches(probe));
  return {
    works: false,
    refusedBy: rule?.refusedBy(probe) ?? 'unknown',
    syscall: failure.syscall,
    errno: /^E[A-Z0-9]+$/.test(failure.code) ? failure.code : null,
    fix: rule?.fix(probe) ?? null,
    inferred: rule?.inferred ?? true,
    message: failure.message,
  };
}
