/** `include/trampfd.h` and `src/abi/` have the same numbers: programs in C and C++ print the header's. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { abi, structs } from '#src/abi/layout.js';
import { limits } from '#src/core/limits.js';
import { arm64Registers, registerNumber, x64Registers } from '#src/core/registers.js';
import { hostMachine } from '#src/native/host.js';
import { needs } from '../support/needs.js';
import { needsStrace, strace } from '../support/strace.js';

const include = fileURLToPath(new URL('../../../include', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'trampfd-probe-'));
after(() => rmSync(folder, { recursive: true }));

const strict = [
  '-Werror',
  '-Wall',
  '-Wextra',
  '-Wconversion',
  '-pedantic',
  '-Wundef',
  '-Wcast-qual',
  '-Wshadow',
];
const languages = [
  ...['c99', 'gnu99', 'c11', 'gnu17'].map(
    (standard) => ({ compiler: 'gcc', ending: 'c', standard }) as const,
  ),
  ...['c++11', 'c++17', 'gnu++17', 'c++20'].map(
    (standard) => ({ compiler: 'g++', ending: 'cc', standard }) as const,
  ),
];
type Language = (typeof languages)[number];

function compile({ compiler, ending, standard }: Language, text: string, flags: readonly string[] = strict) {
  const [file, program] = [join(folder, `probe.${ending}`), join(folder, `probe-${standard}`)];
  writeFileSync(file, text);
  const args = [`-std=${standard}`, '-O2', ...flags, '-I', include, '-o', program, file];
  const { status, stderr } = spawnSync(compiler, args, { encoding: 'utf8' });
  return { status, stderr, program };
}

const inCapitals = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();

/** Every number in TypeScript, by its C expression. */
const expected: Record<string, bigint | number> = {
  __NR_trampfd_create: abi.createNumber,
  ...prefixed('TRAMPFD_', abi.types),
  TRAMPFD_SLOW: abi.slow,
  TRAMPFD_SET_SP: abi.setSp,
  TRAMPFD_OFFSET_BASE: abi.offsetBase,
  TRAMPFD_MAX_COUNT: abi.maxCount,
  TRAMPFD_MAX_REGS: limits.registers,
  TRAMPFD_MAX_STACK_DATA: limits.stackSize,
  TRAMPFD_MAX_STACK_OFFSET: limits.stackOffset,
  TRAMPFD_MAX_PCS: limits.allowedPcs,
  TRAMPFD_MAX_CALLERS: limits.allowedCallers,
  ...prefixed('TRAMPFD_X64_', x64Registers),
  ...prefixed('TRAMPFD_ARM64_', arm64Registers),
};
for (const [name, number] of Object.entries(abi.contexts)) {
  const context = `TRAMPFD_${inCapitals(name)}_OFFSET`;
  expected[context] = abi.offsetBase + BigInt(number);
  const last = BigInt(abi.maxCount - 1);
  expected[`TRAMPFD_AT(${context}, ${last})`] =
    abi.offsetBase + BigInt(number) + (last << BigInt(abi.instanceShift));
}
for (const alias of ['pc', 'arg0', 'arg1', 'arg2', 'arg3', 'arg4', 'arg5', 'chain']) {
  expected[`TRAMPFD_REG_${alias.toUpperCase()}`] = registerNumber(hostMachine().registerFile, alias);
}
for (const [struct, { size, ...offsets }] of Object.entries(structs)) {
  expected[`sizeof(struct ${struct})`] = size;
  for (const [member, offset] of Object.entries(offsets)) {
    const inC = /^(map|data)_size$/.test(member) ? 'size' : member;
    expected[`offsetof(struct ${struct}, ${inC})`] = offset;
  }
}
const saved = hostMachine().trampolines.savedRegisters;
/** Members of the register block. `machine/` has the layout, under more names than the header. */
const savedMembers = Object.keys(saved.offsets).filter(
  (name) => !/^(arg\d|chain|result|vector\d|rip|rsp|rflags|nzcv)$/.test(name),
);
for (const name of savedMembers) {
  const member = name.replace(/^(xmm|x|q)(\d+)$/, '$1[$2]');
  expected[`offsetof(struct trampfd_saved, ${member})`] = saved.offsets[name as 'pc'];
}
Object.assign(expected, {
  'sizeof(struct trampfd_saved)': saved.size,
  'TRAMPFD_REGS_SIZE(3)': structs.trampfd_regs.regs + 3 * structs.trampfd_reg.size,
  'TRAMPFD_STACK_SIZE(3)': structs.trampfd_stack.data + 3,
  'TRAMPFD_VALUES_SIZE(3)': structs.trampfd_values.values + 3 * 8,
});

function prefixed(prefix: string, numbers: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(numbers).map(([name, number]) => [`${prefix}${inCapitals(name)}`, number]),
  );
}

/** Includes the header first: it must not depend on another. */
const probe = `
#include <trampfd.h>
#include <stdio.h>
int main(void)
{
    ${Object.keys(expected)
      .map((expression) => `printf("%s = %lld\\n", "${expression}", (long long)(${expression}));`)
      .join('\n    ')}
    printf("%s %s\\n", TRAMPFD_SUPERVISOR, TRAMPFD_VERSION);
    return 0;
}
`;

describe('the header', { skip: needs('gcc', 'g++') }, () => {
  for (const language of languages) {
    test(`compiles as ${language.standard} and has the numbers of src/abi`, () => {
      const { status, stderr, program } = compile(language, probe);
      assert.equal(stderr, '');
      assert.equal(status, 0);
      const { stdout } = spawnSync(program, { encoding: 'utf8' });
      const lines = stdout.trimEnd().split('\n');
      assert.equal(lines.pop(), `${abi.supervisor.variable} ${abi.supervisor.version}`);
      assert.deepEqual(
        lines,
        Object.entries(expected).map(([expression, value]) => `${expression} = ${value}`),
      );
    });
  }

  test('has no member and no constant that the probe leaves out', () => {
    const text = readFileSync(join(include, 'trampfd.h'), 'utf8');
    const constants = [...text.matchAll(/^#define ((?:TRAMPFD|__NR)_\w+) /gm)].map(([, name]) => name!);
    const enumerators = [...text.matchAll(/^ {4}(TRAMPFD_\w+)(?: = \d+)?,?(?: \/\*.*)?$/gm)].map(
      ([, name]) => name!,
    );
    const known = new Set([...Object.keys(expected), 'TRAMPFD_SUPERVISOR', 'TRAMPFD_VERSION']);
    assert.deepEqual(
      [...constants, ...enumerators].filter((name) => !known.has(name)),
      [],
    );
    assert.equal(enumerators.length, Object.keys({ ...x64Registers, ...arm64Registers }).length);
    for (const [, struct, members] of text.matchAll(/^struct (trampfd_\w+) \{([\s\S]*?)^\}/gm)) {
      if (struct === 'trampfd_saved') continue; // checked by its members' offsets and its size
      const { size: _, ...offsets } = structs[struct as keyof typeof structs];
      assert.equal([...members!.matchAll(/;(?: +\/\*.*)?$/gm)].length, Object.keys(offsets).length, struct);
    }
  });

  for (const { compiler, ending, standard } of [languages[0]!, languages.at(-1)!]) {
    test(`${standard}: a program for 32 bits is refused in a clear line`, () => {
      // Without this macro of the compiler, the program looks like one for 32 bits.
      const { status, stderr } = compile({ compiler, ending, standard } as Language, probe, ['-U__LP64__']);
      assert.notEqual(status, 0);
      assert.match(stderr, /#error "trampfd\.h is for 64-bit programs on x86-64 or little-endian arm64"/);
    });
  }

  test('makes no system call unless the environment names a supervisor of this version', {
    skip: needsStrace(),
  }, () => {
    const { program } = compile(
      languages[0]!,
      `
#include <trampfd.h>
#include <stdio.h>
int main(void)
{
    struct trampfd_user user = {0, 1};
    int fd = trampfd_create(TRAMPFD_USER, &user, 0);
    printf("%d %d\\n", fd, errno == ENOSYS ? trampfd_supported() : -1);
    return 0;
}
`,
    );
    for (const version of [undefined, '', '0', '2', '11']) {
      const env = { ...process.env, [abi.supervisor.variable]: version };
      const { calls, output } = strace(['!exit_group'], program, [], env);
      assert.equal(output, '-1 0\n', version);
      assert.ok(calls.some(({ name }) => name === 'write'));
      assert.ok(!calls.some(({ name }) => name === `syscall_0x${abi.createNumber.toString(16)}`));
    }
  });
});
