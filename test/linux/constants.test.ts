/** Compares constants and structure layouts of the sources with the system's C headers. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';
import { POLLFD } from '#src/linux/fs/poll.js';
import { STATX } from '#src/linux/fs/statx.js';
import { PROCMAP_QUERY_ARG } from '#src/linux/process/procmap-query.js';
import { PTRACE_EVENT } from '#src/linux/process/ptrace.js';
import { SIGINFO } from '#src/linux/process/signal.js';
import { SECCOMP_NOTIF, SECCOMP_NOTIF_ADDFD, SECCOMP_NOTIF_RESP } from '#src/linux/seccomp/seccomp-notify.js';
import { hostMachine } from '#src/native/host.js';
import { hasHeader } from '../../scripts/ensure-tools.js';
import { about, needs } from '../support/needs.js';
import { processor } from '../support/processor.js';

const source = fileURLToPath(new URL('../../../src', import.meta.url));
const skip = needs('gcc');

const headers = [
  ...[
    'elf.h',
    'errno.h',
    'poll.h',
    'sys/wait.h',
    'sys/resource.h',
    'fcntl.h',
    'dlfcn.h',
    'stddef.h',
    'stdio.h',
    'sys/mman.h',
    'sys/mount.h',
    'sys/personality.h',
  ],
  ...[
    'signal.h',
    'sys/shm.h',
    'sys/syscall.h',
    'sys/user.h',
    'linux/audit.h',
    'linux/capability.h',
    'linux/filter.h',
    'linux/memfd.h',
  ],
  ...[
    'linux/mount.h',
    'linux/prctl.h',
    'linux/sched.h',
    'linux/seccomp.h',
    'linux/fs.h',
    'linux/ptrace.h',
    'linux/futex.h',
    'sys/socket.h',
    'linux/stat.h',
  ],
];

/** C expressions of constants that have no single name in the headers. */
const combined: Readonly<Record<string, string>> = {
  LD_W_ABS: 'BPF_LD | BPF_W | BPF_ABS',
  JMP_JEQ_K: 'BPF_JMP | BPF_JEQ | BPF_K',
  JMP_JGE_K: 'BPF_JMP | BPF_JGE | BPF_K',
  JMP_JSET_K: 'BPF_JMP | BPF_JSET | BPF_K',
  RET_K: 'BPF_RET | BPF_K',
  // An enumerator, not a macro: in parentheses it is compiled without #ifdef.
  READ_IMPLIES_EXEC: '(READ_IMPLIES_EXEC)',
};

/** Constants that are missing in the headers of current systems. */
const newest = /^PROCMAP_|_MDWE/;

/** Constants that no header of the system defines: gdb's JIT interface, Node-API, internal ones of Linux, ours. */
const withoutHeader = /^(JIT_|NAPI_|MAX_ERRNO$|FAULT_MAGIC$)/;

let installedHeaders: string[] | undefined;
const findHeaders = () => (installedHeaders ??= headers.filter(hasHeader));

/** Evaluates C expressions. Names that the headers do not define are missing in the result. */
function valuesOf(expressions: Readonly<Record<string, string>>): Map<string, bigint> {
  const folder = mkdtempSync(join(tmpdir(), 'trampfd-constants-'));
  try {
    const lines = Object.entries(expressions).map(([name, value]) => {
      const line = `printf("${name} %lld\\n", (long long)(${value}));`;
      return /^\w+$/.test(value) ? `#ifdef ${value}\n${line}\n#endif` : line;
    });
    const includes = findHeaders().map((header) => `#include <${header}>`);
    const [file, program] = [join(folder, 'values.c'), join(folder, 'values')];
    writeFileSync(
      file,
      `#define _GNU_SOURCE\n${includes.join('\n')}\nint main(void) {\n${lines.join('\n')}\n}\n`,
    );
    execFileSync('gcc', ['-w', '-o', program, file], { stdio: ['ignore', 'ignore', 'inherit'] });
    const output = execFileSync(program, { encoding: 'utf8' });
    return new Map(
      [...output.matchAll(/^(.+) (-?\d+)$/gm)].map(([, name, value]) => [name!, BigInt(value!)]),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Returns the constants in capitals that a source file defines. */
function constantsIn(text: string): [string, bigint][] {
  return [
    ...text.matchAll(/^(?:export )?const ([A-Z_][A-Z0-9_]+|__NR_\w+) = ([-\dxXa-fA-Fon_ <|()]+);/gm),
  ].map(([, name, value]) => [name!, BigInt.asIntN(64, BigInt(runInNewContext(value!)))]);
}

const files = ['linux', 'native', 'launcher', 'machine']
  .flatMap((layer) =>
    readdirSync(join(source, layer), { recursive: true, encoding: 'utf8' }).map((file) => join(layer, file)),
  )
  .filter((file) => file.endsWith('.ts'));

describe('constants', { skip }, () => {
  for (const file of files) {
    const found = constantsIn(readFileSync(join(source, file), 'utf8')).filter(
      ([name]) => !withoutHeader.test(name) && !newest.test(name),
    );
    if (found.length === 0) continue;
    // The other architecture's headers are not installed.
    const architecture = (['x64', 'arm64'] as const).find((name) => file.startsWith(`machine/${name}/`));
    test(file, { skip: architecture !== undefined && about(architecture) }, (t) => {
      const known = valuesOf(Object.fromEntries(found.map(([name]) => [name, combined[name] ?? name])));
      for (const [name, value] of found) {
        if (!known.has(name)) t.diagnostic(`the headers do not define ${name}`);
        else assert.equal(value, known.get(name), name);
      }
      // Old headers lack some names; if none is defined, the names are probably misspelt.
      assert.ok(known.size > 0, 'nothing was compared');
    });
  }

  test('system call numbers and architecture', (t) => {
    const { systemCalls, auditArch, elfMachine } = hostMachine().linux;
    const names = Object.keys(systemCalls) as (keyof typeof systemCalls)[];
    const known = valuesOf(Object.fromEntries(names.map((name) => [name, `SYS_${name}`])));
    for (const name of names) {
      if (!known.has(name)) t.diagnostic(`the headers do not define ${name}`);
      else assert.equal(BigInt(systemCalls[name]), known.get(name), name);
    }
    assert.ok(known.size > 30);
    const [audit, elf] = process.arch === 'x64' ? ['X86_64', 'X86_64'] : ['AARCH64', 'AARCH64'];
    const values = valuesOf({ audit: `AUDIT_ARCH_${audit}`, elf: `EM_${elf}` });
    assert.equal(BigInt(auditArch), values.get('audit'));
    assert.equal(BigInt(elfMachine), values.get('elf'));
  });
});

test('structures of seccomp filters and mounts', { skip }, () => {
  const offsets = (type: string, ...fields: string[]) =>
    Object.fromEntries([
      [type, `sizeof(struct ${type})`],
      ...fields.map((field) => [`${type}.${field}`, `offsetof(struct ${type}, ${field})`]),
    ]);
  const values = valuesOf({
    ...offsets('sock_filter', 'code', 'jt', 'jf', 'k'),
    ...offsets('sock_fprog', 'len', 'filter'),
    ...offsets('seccomp_data', 'nr', 'arch', 'args'),
    ...offsets('mount_attr', 'attr_set', 'attr_clr'),
    ...(valuesOf({ query: 'PROCMAP_QUERY' }).size > 0 ? offsets('procmap_query', 'size') : {}),
  });
  const expected = {
    ...{
      sock_filter: 8,
      'sock_filter.code': 0,
      'sock_filter.jt': 2,
      'sock_filter.jf': 3,
      'sock_filter.k': 4,
    },
    ...{ sock_fprog: 16, 'sock_fprog.len': 0, 'sock_fprog.filter': 8 },
    ...{ seccomp_data: 64, 'seccomp_data.nr': 0, 'seccomp_data.arch': 4, 'seccomp_data.args': 16 },
    ...{ mount_attr: 32, 'mount_attr.attr_set': 0, 'mount_attr.attr_clr': 8 },
    ...(values.has('procmap_query') ? { procmap_query: 104, 'procmap_query.size': 0 } : {}),
  };
  assert.deepEqual(
    Object.fromEntries(values),
    Object.fromEntries(Object.entries(expected).map(([name, value]) => [name, BigInt(value)])),
  );
});

/** Offset tables, and the C members that they describe. */
const structures = {
  'struct seccomp_notif': [SECCOMP_NOTIF, { id: 'id', pid: 'pid', number: 'data.nr', args: 'data.args' }],
  'struct seccomp_notif_resp': [
    SECCOMP_NOTIF_RESP,
    { id: 'id', value: 'val', error: 'error', flags: 'flags' },
  ],
  'struct seccomp_notif_addfd': [
    SECCOMP_NOTIF_ADDFD,
    { id: 'id', flags: 'flags', srcFd: 'srcfd', newFd: 'newfd', newFdFlags: 'newfd_flags' },
  ],
  'struct statx': [STATX, { inode: 'stx_ino', deviceMajor: 'stx_dev_major', deviceMinor: 'stx_dev_minor' }],
  'struct procmap_query': [
    PROCMAP_QUERY_ARG,
    {
      ...{ flags: 'query_flags', address: 'query_addr', start: 'vma_start', end: 'vma_end' },
      ...{ vmaFlags: 'vma_flags', offset: 'vma_offset', inode: 'inode' },
      ...{ major: 'dev_major', minor: 'dev_minor' },
    },
  ],
  siginfo_t: [SIGINFO, { signal: 'si_signo', code: 'si_code', pid: 'si_pid', address: 'si_addr' }],
  'struct pollfd': [POLLFD, { fd: 'fd', events: 'events', revents: 'revents' }],
} as const;

describe('structures with tables of offsets', { skip }, () => {
  for (const [type, [offsets, members]] of Object.entries(structures)) {
    test(type, (t) => {
      if (type === 'struct procmap_query' && valuesOf({ query: 'PROCMAP_QUERY' }).size === 0) {
        t.diagnostic('the headers do not define it');
        return;
      }
      const entries = Object.entries(members).map(([name, member]) => [name, `offsetof(${type}, ${member})`]);
      const values = valuesOf({ size: `sizeof(${type})`, ...Object.fromEntries(entries) });
      assert.deepEqual(
        { ...offsets },
        Object.fromEntries([...values].map(([name, value]) => [name, Number(value)])),
      );
    });
  }

  test('ptrace events', () => {
    const names = Object.keys(PTRACE_EVENT).map((name) => [name, `PTRACE_EVENT_${name.toUpperCase()}`]);
    const values = [...valuesOf(Object.fromEntries(names))].map(([name, value]) => [name, Number(value)]);
    assert.deepEqual(Object.fromEntries(values), { ...PTRACE_EVENT });
  });
});

test('registers of a stopped thread', { skip }, () => {
  const {
    registerFile,
    linux: { userRegs },
  } = hostMachine();
  const { size, pc, sp } = userRegs;
  const fields = { [registerFile.aliases.pc]: pc, [processor.stackPointer]: sp };
  for (const [name, number] of Object.entries(registerFile.numbers)) {
    // On arm64 <sys/user.h> has an array.
    Object.assign(fields, { [name.replace(/^x(\d+)$/, 'regs[$1]')]: userRegs.offsetOf(number) });
  }
  const values = valuesOf({
    size: 'sizeof(struct user_regs_struct)',
    ...Object.fromEntries(
      Object.keys(fields).map((name) => [name, `offsetof(struct user_regs_struct, ${name})`]),
    ),
  });
  assert.deepEqual(
    Object.fromEntries(values),
    Object.fromEntries(Object.entries({ size, ...fields }).map(([name, value]) => [name, BigInt(value)])),
  );
});
