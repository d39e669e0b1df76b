/** What a system is, as far as code pages go. Runs in a process that is restricted like those it speaks for. */
import { readFileSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { templatePath } from '../codepage/template.js';
import {
  hasMemfdNoexecSeal,
  hasMseal,
  hasProcmapQuery,
  hasSeccompNotification,
  mdweState,
  yamaScope,
} from '../linux/features.js';
import { thisMachine } from '../linux/host.js';
import { pageSize } from '../linux/memory.js';
import { mountOf } from '../linux/mounts.js';
import type { SystemReport } from './schema.js';

/** What can be seen from inside one process; whether it may enter a user namespace, its parent has to try. */
export type SeenFromInside = Omit<SystemReport, 'features'> & {
  features: Omit<SystemReport['features'], 'userNamespaces'>;
};

export function seenFromInside(): SeenFromInside {
  const machine = thisMachine();
  const status = text('/proc/self/status') ?? '';
  const seccomp = Number(/^Seccomp:\s*(\d)/m.exec(status)?.[1] ?? 0);
  const enforce = text('/sys/fs/selinux/enforce');
  const processor = text('/proc/cpuinfo') ?? '';
  const mdwe = mdweState();
  return {
    kernel: release(),
    architecture: machine.architecture,
    pageSize: pageSize(),
    node: process.versions.node,
    nodeNeedsJitless: mdwe === true,
    mdwe: mdwe === true,
    seccomp: (['none', 'strict', 'filter'] as const)[seccomp] ?? 'filter',
    selinux: enforce === undefined ? 'absent' : enforce === '1' ? 'enforcing' : 'permissive',
    // The file lists all levels, the present one in brackets.
    lockdown: /\[(\w+)\]/.exec(text('/sys/kernel/security/lockdown') ?? '')?.[1] ?? null,
    memfdNoexec: number('/proc/sys/vm/memfd_noexec'),
    temporaryFolder: folder(tmpdir()),
    packageFolder: folder(dirname(templatePath(process.arch))),
    yama: yamaScope() ?? null,
    features: {
      mseal: hasMseal(),
      mdwe: mdwe !== undefined,
      memfdNoexecSeal: hasMemfdNoexecSeal(),
      seccompNotification: hasSeccompNotification(machine.systemCalls.seccomp),
      procmapQuery: hasProcmapQuery(),
    },
    // x86 calls them ibt and user_shstk, arm64 bti and gcs.
    landingPads: /\b(ibt|bti)\b/.test(processor),
    shadowStacks: /\b(user_shstk|gcs)\b/.test(processor),
  };
}

function folder(path: string): SystemReport['temporaryFolder'] {
  const mount = mountOf(path);
  return { path, mount: mount?.path ?? '/', noexec: mount?.options.includes('noexec') ?? false };
}

function number(path: string): number | null {
  const content = text(path);
  return content === undefined ? null : Number(content);
}

function text(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
