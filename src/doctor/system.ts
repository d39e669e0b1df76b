/** The state of the system that code pages depend on. Collected in a process restricted like the probes. */
import { readFileSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { TrampfdError } from '../core/errors.js';
import {
  hasMemfdNoexecSeal,
  hasMseal,
  hasProcmapQuery,
  hasSeccompNotification,
  mdweState,
  yamaScope,
} from '../linux/features.js';
import { mountOf } from '../linux/fs/mounts.js';
import { pageSize } from '../linux/mm/memory.js';
import { nativeFolder } from '../native/files.js';
import { hostMachine } from '../native/host.js';
import { v8Interface } from '../native/v8-function.js';
import type { SystemReport } from './schema.js';

/** The part of the report that one process can collect; its parent tests whether user namespaces are allowed. */
export type ProcessReport = Omit<SystemReport, 'features'> & {
  features: Omit<SystemReport['features'], 'userNamespaces'>;
};

/** Returns the state of the system as this process sees it. */
export function collectSystemReport(): ProcessReport {
  const machine = hostMachine();
  const status = readText('/proc/self/status') ?? '';
  const seccomp = Number(/^Seccomp:\s*(\d)/m.exec(status)?.[1] ?? 0);
  const enforce = readText('/sys/fs/selinux/enforce');
  const cpuinfo = readText('/proc/cpuinfo') ?? '';
  const mdwe = mdweState();
  return {
    kernel: release(),
    architecture: machine.architecture,
    pageSize: pageSize(),
    node: process.versions.node,
    nodeNeedsJitless: mdwe === true,
    fastCalls: mdwe === true ? { works: false, message: noCompiler } : v8Report(),
    mdwe: mdwe === true,
    seccomp: (['none', 'strict', 'filter'] as const)[seccomp] ?? 'filter',
    selinux: enforce === undefined ? 'absent' : enforce === '1' ? 'enforcing' : 'permissive',
    // The file lists all levels, the current one in brackets.
    lockdown: /\[(\w+)\]/.exec(readText('/sys/kernel/security/lockdown') ?? '')?.[1] ?? null,
    memfdNoexec: readNumber('/proc/sys/vm/memfd_noexec'),
    temporaryFolder: folderReport(tmpdir()),
    packageFolder: folderReport(nativeFolder()),
    yama: yamaScope() ?? null,
    features: {
      mseal: hasMseal(),
      mdwe: mdwe !== undefined,
      memfdNoexecSeal: hasMemfdNoexecSeal(),
      seccompNotification: hasSeccompNotification(machine.linux.systemCalls.seccomp),
      procmapQuery: hasProcmapQuery(),
    },
    // x86 calls them ibt and user_shstk, arm64 bti and gcs.
    landingPads: /\b(ibt|bti)\b/.test(cpuinfo),
    shadowStacks: /\b(user_shstk|gcs)\b/.test(cpuinfo),
  };
}

const noCompiler = 'Cannot make fast calls: V8 compiles no code, since Node needs --jitless here';

function v8Report(): SystemReport['fastCalls'] {
  try {
    v8Interface();
    return { works: true };
  } catch (error) {
    if (!(error instanceof TrampfdError)) throw error;
    return { works: false, message: error.message };
  }
}

function folderReport(path: string): SystemReport['temporaryFolder'] {
  const mount = mountOf(path);
  return { path, mount: mount?.path ?? '/', noexec: mount?.options.includes('noexec') ?? false };
}

function readNumber(path: string): number | null {
  const content = readText(path);
  return content === undefined ? null : Number(content);
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
