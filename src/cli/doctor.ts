/** `trampfd doctor`: which code page methods work here, what refuses the others, and how to change that. */
import type { Command } from 'commander';
import { defaultMethodNames } from '../codepage/method-selection.js';
import { diagnose } from '../doctor/diagnose.js';
import type { Diagnosis, MethodDiagnosis, SystemReport } from '../doctor/schema.js';
import { type RestrictionName, restrictionNames } from '../launcher/restrictions.js';
import { parseRestrictions } from './restrictions.js';

/** The combinations that `--matrix` tries. */
const matrixRestrictions: readonly (readonly RestrictionName[])[] = [
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
    .description('try every code page method, and print what refuses it and how to change that')
    .option('--json', 'print JSON')
    .option(
      '--harden <restrictions>',
      `restrict the probes by ${restrictionNames.join(', ')}; separate several by commas`,
      parseRestrictions,
      [],
    )
    .option('--matrix', 'try with each restriction, and print a table in Markdown')
    .action(
      async ({
        json,
        harden: restrictions,
        matrix,
      }: {
        json?: boolean;
        harden: RestrictionName[];
        matrix?: boolean;
      }) => {
        if (matrix === true) {
          const diagnoses: Diagnosis[] = [];
          for (const combination of matrixRestrictions)
            diagnoses.push(await diagnose({ restrictions: combination }));
          console.log(json === true ? JSON.stringify(diagnoses, undefined, 2) : asMatrix(diagnoses));
          return;
        }
        const diagnosis = await diagnose({ restrictions });
        console.log(json === true ? JSON.stringify(diagnosis, undefined, 2) : asText(diagnosis));
        if (!defaultMethodNames.some((method) => diagnosis.methods[method].works)) process.exitCode = 1;
      },
    );
}

/** Columns of a standard terminal. */
const terminalWidth = 80;

function asText({ restrictions, methods, system }: Diagnosis): string {
  const heading = restrictions.length === 0 ? 'This system' : `This system under ${restrictions.join(', ')}`;
  const table = [
    tableRow('method', 'works', 'refused call', 'by'),
    ...Object.entries(methods).flatMap(([name, method]) => methodLines(name, method)),
  ];
  const selected = defaultMethodNames.find((method) => methods[method].works);
  const conclusion =
    selected === undefined
      ? 'No method works here without memory that is writable and executable.'
      : `Trampolines use ${selected} here, unless codeSource names another method.`;
  const unitHint = Object.values(methods).some(
    (method) => !method.works && /^[A-Z][a-z]\w*=/.test(method.fix ?? ''),
  )
    ? ['Lines like Name=value belong in the systemd unit of the program.']
    : [];
  return [
    wrap(`${heading}, tried one by one:`, ''),
    table.join('\n'),
    [conclusion, ...unitHint].join('\n'),
    systemText(system),
  ].join('\n\n');
}

function tableRow(name: string, works: string, call: string, by: string): string {
  const prefix = `  ${name.padEnd(10)}${works.padEnd(7)}${call.padEnd(21)}`;
  return `${prefix}${wrap(by, ' '.repeat(prefix.length)).trimStart()}`.trimEnd();
}

function methodLines(name: string, method: MethodDiagnosis): string[] {
  if (method.works) return [tableRow(name, 'yes', '', '')];
  const { syscall, errno, refusedBy, fix, inferred, message } = method;
  const refusedCall = [syscall, errno].filter((part) => part !== null).join(' ');
  const lines = [
    tableRow(
      name,
      'no',
      refusedCall === '' ? '-' : refusedCall,
      `${refusedBy}${inferred ? ' (inferred)' : ''}`,
    ),
  ];
  const addDetail = (text: string) => lines.push(wrap(text, ' '.repeat(19)));
  if (fix !== null) addDetail(`fix: ${fix}`);
  if (refusedBy === 'unknown') addDetail(message);
  return lines;
}

function systemText(system: SystemReport): string {
  const { features } = system;
  const capabilities: readonly [name: string, present: boolean][] = [
    ['mseal', features.mseal],
    ['MDWE', features.mdwe],
    ['MFD_NOEXEC_SEAL', features.memfdNoexecSeal],
    ['PROCMAP_QUERY', features.procmapQuery],
    ['seccomp notifications', features.seccompNotification],
    ['user namespaces', features.userNamespaces],
    ['landing pads', system.landingPads],
    ['shadow stacks', system.shadowStacks],
  ];
  const capabilityList = (expected: boolean) =>
    capabilities.flatMap(([name, present]) => (present === expected ? name : [])).join(', ') || 'nothing';
  const rules = [
    `MDWE ${system.mdwe ? 'yes' : 'no'}`,
    `seccomp ${system.seccomp}`,
    `SELinux ${system.selinux}`,
    `lockdown ${system.lockdown ?? 'absent'}`,
    `vm.memfd_noexec ${system.memfdNoexec ?? 'absent'}`,
    `Yama ${system.yama ?? 'absent'}`,
  ];
  const tableRows: [string, string][] = [
    ['kernel', `${system.kernel}, ${system.architecture}, pages of ${system.pageSize} bytes`],
    ['Node', `${system.node}${system.nodeNeedsJitless ? ', which needs --jitless here' : ''}`],
    ['fast calls', system.fastCalls.works ? 'yes' : system.fastCalls.message],
    ['rules', rules.join(', ')],
    ['has', capabilityList(true)],
    ['lacks', capabilityList(false)],
    ['temporary', folderText(system.temporaryFolder)],
    ['package', folderText(system.packageFolder)],
  ];
  return tableRows
    .map(([name, text]) => `  ${name.padEnd(12)}${wrap(text, ' '.repeat(14)).trimStart()}`)
    .join('\n');
}

function folderText({ path, mount, noexec }: SystemReport['temporaryFolder']): string {
  return `${path} on the mount ${mount}${noexec ? ', noexec' : ''}`;
}

/** Breaks a text between words into lines of the terminal's width, each beginning with `margin`. */
function wrap(text: string, margin: string): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= terminalWidth)
      lines[lines.length - 1] += ` ${word}`;
    else lines.push(margin + word);
  }
  return lines.join('\n');
}

/** Returns major and minor version: features do not depend on the rest. */
const kernelVersion = ({ system }: Diagnosis) => system.kernel.split('.').slice(0, 2).join('.');

function asMatrix(diagnoses: readonly Diagnosis[]): string {
  const names = Object.keys(diagnoses[0]!.methods) as (keyof Diagnosis['methods'])[];
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const cell = (method: MethodDiagnosis) =>
    method.works ? 'works' : `${method.refusedBy}${method.inferred ? ' (inferred)' : ''}`;
  return [
    '# What works where',
    '',
    `Output of \`trampfd doctor --matrix\` on Linux ${kernelVersion(diagnoses[0]!)}, ${diagnoses[0]!.system.architecture}: each method, tried with`,
    'restrictions that reproduce hardened systems. A cell is `works`, or what refuses the method.',
    '[doctor.md](doctor.md) describes the restrictions.',
    '',
    line(['restrictions', ...names]),
    line(['---', ...names.map(() => '---')]),
    ...diagnoses.map(({ restrictions, methods }) =>
      line([
        restrictions.length === 0 ? 'none' : restrictions.map((name) => `\`${name}\``).join(', '),
        ...names.map((name) => cell(methods[name])),
      ]),
    ),
  ].join('\n');
}
