/** Every number of the kernel's that stands in the sources, against the system's headers. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';
import { POLLFD } from '#src/linux/fs/fds.js';
import { STATX } from '#src/linux/fs/statx.js';
import { PROCMAP_QUERY_ARG } from '#src/linux/process/procmap-query.js';
import { PTRACE_EVENT, SIGINFO } from '#src/linux/process/ptrace.js';
import { seccompFilter } from '#src/linux/seccomp/seccomp.js';
import { SECCOMP_NOTIF, SECCOMP_NOTIF_ADDFD, SECCOMP_NOTIF_RESP } from '#src/linux/seccomp/seccomp-notify.js';
import { hostMachine } from '#src/native/host.js';
import { hasHeader } from '../../scripts/tools.js';
import { needs } from '../support/needs.js';
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

/** Our names for what the headers have no single name for. */
const combined: Readonly<Record<string, string>> = {
  LD_W_ABS: 'BPF_LD | BPF_W | BPF_ABS',
  JMP_JEQ_K: 'BPF_JMP | BPF_JEQ | BPF_K',
  JMP_JGE_K: 'BPF_JMP | BPF_JGE | BPF_K',
  JMP_JSET_K: 'BPF_JMP | BPF_JSET | BPF_K',
  RET_K: 'BPF_RET | BPF_K',
  // An enumerator, which the preprocessor does not see.
  READ_IMPLIES_EXEC: '(READ_IMPLIES_EXEC)',
};

/** What came into the headers so late that a system of today may lack the whole file's worth. */
const newest = /^PROCMAP_|_MDWE/;

let present: string[] | undefined;
const presentHeaders = () => (present ??= headers.filter(hasHeader));

/** The values of C expressions; of those that the headers know. */
function valuesOf(expressions: Readonly<Record<string, string>>): Map<string, bigint> {
  const folder = mkdtempSync(join(tmpdir(), 'trampfd-constants-'));
  try {
    const lines = Object.entries(expressions).map(([name, value]) => {
      const line = `printf("${name} %lld\\n", (long long)(${value}));`;
      return /^\w+$/.test(value) ? `#ifdef ${value}\n${line}\n#endif` : line;
    });
    const includes = presentHeaders().map((header) => `#include <${header}>`);
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

/** Constants in capitals, as a source file defines them. */
function constantsIn(text: string): [string, bigint][] {
  return [
    ...text.matchAll(/^(?:export )?const ([A-Z_][A-Z0-9_]+|__NR_\w+) = ([-\dxXa-fA-Fon_ <|()]+);/gm),
  ].map(([, name, value]) => [name!, BigInt.asIntN(64, BigInt(runInNewContext(value!)))]);
}

const files = ['linux', 'machine']
  .flatMap((room) =>
    readdirSync(join(source, room), { recursive: true, encoding: 'utf8' }).map((file) => join(room, file)),
  )
  .filter((file) => file.endsWith('.ts'));

describe('constants', { skip }, () => {
  for (const file of files) {
    // gdb's interface has no header.
    const found = constantsIn(readFileSync(join(source, file), 'utf8')).filter(
      ([name]) => !/^JIT_/.test(name) && !newest.test(name),
    );
    if (found.length === 0) continue;
    test(file, (t) => {
      const known = valuesOf(Object.fromEntries(found.map(([name]) => [name, combined[name] ?? name])));
      for (const [name, value] of found) {
        if (!known.has(name)) t.diagnostic(`the headers here do not know ${name}`);
        else assert.equal(value, known.get(name), name);
      }
      // Old headers may lack what is new, but a name that none knows is misspelt.
      assert.ok(known.size > 0, 'nothing was compared');
    });
  }

  test('system calls, the architecture', (t) => {
    const { systemCalls, auditArch, elfMachine } = hostMachine().linux;
    const names = Object.keys(systemCalls) as (keyof typeof systemCalls)[];
    const known = valuesOf(Object.fromEntries(names.map((name) => [name, `SYS_${name}`])));
    for (const name of names) {
      if (!known.has(name)) t.diagnostic(`the headers here do not know ${name}`);
      else assert.equal(BigInt(systemCalls[name]), known.get(name), name);
    }
    assert.ok(known.size > 30);
    const [audit, elf] = process.arch === 'x64' ? ['X86_64', 'X86_64'] : ['AARCH64', 'AARCH64'];
    const values = valuesOf({ audit: `AUDIT_ARCH_${audit}`, elf: `EM_${elf}` });
    assert.equal(BigInt(auditArch), values.get('audit'));
    assert.equal(BigInt(elfMachine), values.get('elf'));
  });
});

test('structures of a filter and of mounts', { skip }, () => {
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

/** Our names for members of the kernel's structures, and theirs. */
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
  siginfo_t: [SIGINFO, { code: 'si_code', address: 'si_addr' }],
  'struct pollfd': [POLLFD, { fd: 'fd', events: 'events', revents: 'revents' }],
} as const;

describe('structures that the supervisor shares with the kernel', { skip }, () => {
  for (const [type, [ours, members]] of Object.entries(structures)) {
    test(type, (t) => {
      if (type === 'struct procmap_query' && valuesOf({ query: 'PROCMAP_QUERY' }).size === 0) {
        t.diagnostic('the headers here do not know it');
        return;
      }
      const entries = Object.entries(members).map(([name, member]) => [name, `offsetof(${type}, ${member})`]);
      const values = valuesOf({ size: `sizeof(${type})`, ...Object.fromEntries(entries) });
      assert.deepEqual(
        { ...ours },
        Object.fromEntries([...values].map(([name, value]) => [name, Number(value)])),
      );
    });
  }

  test('events of ptrace', () => {
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
    // Of arm64, <sys/user.h> has an array.
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

test('a filter jumps to the right places', () => {
  const { systemCalls, auditArch, x32Bit } = hostMachine().linux;
  const program = seccompFilter(
    hostMachine(),
    [
      {
        syscall: systemCalls.mmap,
        errno: 1,
        when: [
          { argument: 2, anyBits: 4, notEquals: 7 },
          { argument: 3, anyBits: 0x20 },
        ],
      },
      { syscall: systemCalls.shmat, errno: 2, when: [{ argument: 2, anyBits: 0x8000 }] },
      { syscall: systemCalls.bpf, errno: 3 },
    ],
    38,
  );
  const run = (nr: number, args: readonly number[] = [], arch = auditArch) =>
    interpret(program, { nr, arch, args });
  assert.equal(run(systemCalls.mmap, [0, 0, 5, 0x22]), 1);
  assert.equal(run(systemCalls.mmap, [0, 0, 7, 0x22]), 'allow');
  assert.equal(run(systemCalls.mmap, [0, 0, 5, 2]), 'allow');
  assert.equal(run(systemCalls.mmap, [0, 0, 3, 0x22]), 'allow');
  assert.equal(run(systemCalls.shmat, [0, 0, 0x8001]), 2);
  assert.equal(run(systemCalls.shmat, [0, 0, 1]), 'allow');
  assert.equal(run(systemCalls.bpf), 3);
  assert.equal(run(systemCalls.read), 'allow');
  assert.equal(run(systemCalls.read, [], 3), 38);
  if (x32Bit !== undefined) assert.equal(run(x32Bit), 38);
});

/** The BPF machine, as far as filters here use it. */
function interpret(
  program: Uint8Array,
  { nr, arch, args }: { nr: number; arch: number; args: readonly number[] },
): number | 'allow' {
  const view = new DataView(program.buffer);
  const data = [nr, arch, 0, 0, ...args.flatMap((low) => [low, 0])];
  let accumulator = 0;
  for (let at = 0; ; at++) {
    const [code, jt, jf] = [view.getUint16(8 * at, true), program[8 * at + 2]!, program[8 * at + 3]!];
    const k = view.getUint32(8 * at + 4, true);
    if (code === 0x20) accumulator = (data[k / 4] ?? 0) >>> 0;
    else if (code === 0x15) at += accumulator === k ? jt : jf;
    else if (code === 0x35) at += accumulator >= k ? jt : jf;
    else if (code === 0x45) at += (accumulator & k) !== 0 ? jt : jf;
    else if (code === 0x06) return k === 0x7fff0000 ? 'allow' : k & 0xffff;
    else throw new Error(`unknown instruction ${code}`);
  }
}
