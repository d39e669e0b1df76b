/**
 * Who refuses: conclusions from a refused system call and from what the system looks like. Rules are tried in
 * order; the first that fits speaks. A rule that was seen to be right, by applying the restriction and then its
 * fix, is not `inferred`; `test/doctor` does that for each of them.
 */
import type { CodePageMethodName } from '../codepage/method.js';
import type { ProbeResult } from './probe.js';
import type { MethodDiagnosis } from './schema.js';
import type { SeenFromInside } from './system.js';

type Refused = Extract<ProbeResult, { works: false }>;

interface Case {
  readonly method: CodePageMethodName;
  readonly refused: Refused;
  readonly system: SeenFromInside;
}

interface Rule {
  readonly fits: (given: Case) => boolean;
  readonly refusedBy: (given: Case) => string;
  readonly fix: (given: Case) => string | null;
  readonly inferred: boolean;
}

/** Whether a method has memory that was writable become executable. */
const gainsExecution = (method: CodePageMethodName): boolean => method === 'rwx' || method === 'remap';

const noexecFolder = ({ method, system }: Case) =>
  method === 'file' ? system.temporaryFolder : method === 'template' ? system.packageFolder : undefined;

const rules: readonly Rule[] = [
  {
    fits: ({ refused }) => refused.code === 'ERR_NO_SUPERVISOR',
    refusedBy: () => 'no supervisor',
    fix: () => 'trampfd run -- program',
    inferred: false,
  },
  {
    fits: ({ refused }) => ['ERR_CRASHED', 'ERR_WRONG_RESULT'].includes(refused.code),
    refusedBy: () => 'unknown',
    fix: () => null,
    inferred: true,
  },
  {
    fits: ({ refused }) => refused.code === 'ENOSYS',
    refusedBy: ({ refused, system }) => `kernel ${system.kernel} has no ${refused.syscall}`,
    fix: () => null,
    inferred: true,
  },
  {
    fits: ({ method, system, refused }) => gainsExecution(method) && system.mdwe && refused.code === 'EACCES',
    refusedBy: () => 'MDWE',
    fix: () => 'MemoryDenyWriteExecute=no',
    inferred: false,
  },
  {
    fits: (given) =>
      given.refused.syscall === 'mmap' &&
      given.refused.code === 'EPERM' &&
      noexecFolder(given)?.noexec === true,
    refusedBy: (given) => `noexec mount ${noexecFolder(given)!.mount}`,
    fix: (given) => `mount -o remount,exec ${noexecFolder(given)!.mount}`,
    inferred: false,
  },
  {
    fits: ({ refused, system }) =>
      refused.syscall === 'memfd_create' && refused.code === 'EACCES' && (system.memfdNoexec ?? 0) > 0,
    refusedBy: () => 'vm.memfd_noexec',
    fix: () => 'sysctl vm.memfd_noexec=1',
    inferred: true,
  },
  {
    fits: ({ refused, system }) => refused.syscall === 'memfd_create' && system.seccomp === 'filter',
    refusedBy: () => 'seccomp filter',
    fix: () => 'SystemCallFilter=memfd_create',
    inferred: false,
  },
  {
    fits: ({ method, system, refused }) =>
      gainsExecution(method) && system.selinux === 'enforcing' && refused.code === 'EACCES',
    refusedBy: () => 'SELinux execmem',
    fix: () => 'setsebool -P deny_execmem 0',
    inferred: true,
  },
  {
    fits: ({ system, refused }) => system.selinux === 'enforcing' && refused.code === 'EACCES',
    refusedBy: () => 'SELinux execute',
    fix: () => 'ausearch -m avc -ts recent | audit2allow -M trampfd',
    inferred: true,
  },
  {
    fits: ({ method, refused }) => method === 'template' && refused.code === 'ENOENT',
    refusedBy: () => 'the installed package is incomplete',
    fix: () => 'npm install trampfd',
    inferred: false,
  },
  {
    fits: ({ method, refused }) => method === 'template' && refused.code === 'ERR_TEMPLATE',
    refusedBy: () => 'the installed package was changed',
    fix: () => 'npm install trampfd',
    inferred: false,
  },
  {
    fits: ({ method, refused }) => method === 'file' && /^open/.test(refused.syscall ?? ''),
    refusedBy: ({ system }) => `${system.temporaryFolder.path} cannot be written`,
    fix: () => 'TMPDIR=/a/folder/that/can/be/written',
    inferred: true,
  },
  {
    fits: ({ system }) => system.lockdown !== null && system.lockdown !== 'none',
    refusedBy: ({ system }) => `lockdown (${system.lockdown})`,
    fix: () => null,
    inferred: true,
  },
  {
    fits: ({ system }) => system.seccomp === 'filter',
    refusedBy: () => 'seccomp filter',
    fix: ({ refused }) => (refused.syscall === null ? null : `SystemCallFilter=${refused.syscall}`),
    inferred: true,
  },
];

export function whoRefuses(given: Case): MethodDiagnosis {
  const { refused } = given;
  const rule = rules.find(({ fits }) => fits(given));
  return {
    works: false,
    refusedBy: rule?.refusedBy(given) ?? 'unknown',
    syscall: refused.syscall,
    errno: /^E[A-Z0-9]+$/.test(refused.code) ? refused.code : null,
    fix: rule?.fix(given) ?? null,
    inferred: rule?.inferred ?? true,
    message: refused.message,
  };
}
