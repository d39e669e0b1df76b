/** `trampfd doctor`: what this system allows, who forbids the rest, and what to change. */
import type { Command } from 'commander';
import { diagnose } from '../doctor/diagnose.js';
import type { Diagnosis, MethodDiagnosis, SystemReport } from '../doctor/schema.js';
import { type RestrictionName, restrictionNames } from '../linux/restrictions.js';
import { restrictions } from './restrictions.js';

/** Methods that need no memory that is both writable and executable, at once or in turn. */
const sound = ['memfd', 'template', 'file', 'trampfd'] as const;

/** What `--matrix` tries. */
const combinations: readonly (readonly RestrictionName[])[] = [
  [],
  ['mdwe'],
  ['no-memfd'],
  ['noexec-tmp'],
  ['mdwe', 'no-memfd', 'noexec-tmp'],
  ['no-own-code'],
];

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('try every way of making code, tell who forbids it and what to change')
    .option('--json', 'print JSON')
    .option(
      '--under <restrictions>',
      `try under ${restrictionNames.join(', ')}; several with commas`,
      restrictions,
      [],
    )
    .option('--matrix', 'try under every restriction, and print a table in Markdown')
    .action(
      async ({ json, under, matrix }: { json?: boolean; under: RestrictionName[]; matrix?: boolean }) => {
        if (matrix === true) {
          const diagnoses: Diagnosis[] = [];
          for (const combination of combinations) diagnoses.push(await diagnose({ under: combination }));
          console.log(json === true ? JSON.stringify(diagnoses, undefined, 2) : asMatrix(diagnoses));
          return;
        }
        const diagnosis = await diagnose({ under });
        console.log(json === true ? JSON.stringify(diagnosis, undefined, 2) : asText(diagnosis));
        if (!sound.some((method) => diagnosis.methods[method].works)) process.exitCode = 1;
      },
    );
}

/** Of a terminal of the usual kind. */
const width = 80;

function asText({ under, methods, system }: Diagnosis): string {
  const heading = under.length === 0 ? 'This system' : `This system under ${under.join(', ')}`;
  const table = [
    row('method', 'works', 'refused call', 'by'),
    ...Object.entries(methods).flatMap(([name, method]) => methodLines(name, method)),
  ];
  const taken = sound.find((method) => methods[method].works);
  const conclusion =
    taken === undefined
      ? 'Nothing works here without memory that is writable and executable.'
      : `Trampolines are made by ${taken} here, unless you name a method.`;
  const unit = Object.values(methods).some(
    (method) => !method.works && /^[A-Z][a-z]\w*=/.test(method.fix ?? ''),
  )
    ? ['Lines like Name=value belong into the systemd unit of the program.']
    : [];
  return [
    wrap(`${heading}, tried one by one:`, ''),
    table.join('\n'),
    [conclusion, ...unit].join('\n'),
    systemText(system),
  ].join('\n\n');
}

function row(name: string, works: string, call: string, by: string): string {
  const start = `  ${name.padEnd(10)}${works.padEnd(7)}${call.padEnd(21)}`;
  return `${start}${wrap(by, ' '.repeat(start.length)).trimStart()}`.trimEnd();
}

function methodLines(name: string, method: MethodDiagnosis): string[] {
  if (method.works) return [row(name, 'yes', '', '')];
  const { syscall, errno, refusedBy, fix, inferred, message } = method;
  const call = [syscall, errno].filter((part) => part !== null).join(' ');
  const lines = [row(name, 'no', call === '' ? '-' : call, `${refusedBy}${inferred ? ' (inferred)' : ''}`)];
  const detail = (text: string) => lines.push(wrap(text, ' '.repeat(19)));
  if (fix !== null) detail(`fix: ${fix}`);
  if (refusedBy === 'unknown') detail(message);
  return lines;
}

function systemText(system: SystemReport): string {
  const { features } = system;
  const parts: readonly [name: string, has: boolean][] = [
    ['mseal', features.mseal],
    ['MDWE', features.mdwe],
    ['MFD_NOEXEC_SEAL', features.memfdNoexecSeal],
    ['PROCMAP_QUERY', features.procmapQuery],
    ['seccomp notifications', features.seccompNotification],
    ['user namespaces', features.userNamespaces],
    ['landing pads', system.landingPads],
    ['shadow stacks', system.shadowStacks],
  ];
  const list = (has: boolean) =>
    parts.flatMap(([name, present]) => (present === has ? name : [])).join(', ') || 'nothing';
  const rules = [
    `MDWE ${system.mdwe ? 'yes' : 'no'}`,
    `seccomp ${system.seccomp}`,
    `SELinux ${system.selinux}`,
    `lockdown ${system.lockdown ?? 'absent'}`,
    `vm.memfd_noexec ${system.memfdNoexec ?? 'absent'}`,
    `Yama ${system.yama ?? 'absent'}`,
  ];
  const rows: [string, string][] = [
    ['kernel', `${system.kernel}, ${system.architecture}, pages of ${system.pageSize} bytes`],
    ['Node', `${system.node}${system.nodeNeedsJitless ? ', which needs --jitless here' : ''}`],
    ['rules', rules.join(', ')],
    ['has', list(true)],
    ['lacks', list(false)],
    ['temporary', folder(system.temporaryFolder)],
    ['package', folder(system.packageFolder)],
  ];
  return rows
    .map(([name, text]) => `  ${name.padEnd(10)}${wrap(text, ' '.repeat(12)).trimStart()}`)
    .join('\n');
}

function folder({ path, mount, noexec }: SystemReport['temporaryFolder']): string {
  return `${path} on the mount ${mount}${noexec ? ', noexec' : ''}`;
}

/** Breaks a text between words, and begins every line with the margin. */
function wrap(text: string, margin: string): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= width) lines[lines.length - 1] += ` ${word}`;
    else lines.push(margin + word);
  }
  return lines.join('\n');
}

/** Of a kernel, what says which features it has. */
const release = ({ system }: Diagnosis) => system.kernel.split('.').slice(0, 2).join('.');

function asMatrix(diagnoses: readonly Diagnosis[]): string {
  const names = Object.keys(diagnoses[0]!.methods) as (keyof Diagnosis['methods'])[];
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const cell = (method: MethodDiagnosis) =>
    method.works ? 'works' : `${method.refusedBy}${method.inferred ? ' (inferred)' : ''}`;
  return [
    '# What works where',
    '',
    `Made by \`trampfd doctor --matrix\` on Linux ${release(diagnoses[0]!)}, ${diagnoses[0]!.system.architecture}: each method, tried under`,
    'restrictions that reproduce hardened systems. A cell says `works`, or who refuses.',
    '[doctor.md](doctor.md) tells what the restrictions are.',
    '',
    line(['under', ...names]),
    line(['---', ...names.map(() => '---')]),
    ...diagnoses.map(({ under, methods }) =>
      line([
        under.length === 0 ? 'nothing' : under.map((name) => `\`${name}\``).join(', '),
        ...names.map((name) => cell(methods[name])),
      ]),
    ),
  ].join('\n');
}
