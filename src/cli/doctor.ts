/** `trampfd doctor`: what this system allows, who forbids the rest, and what to change. */
import { type Command, InvalidArgumentError } from 'commander';
import { diagnose } from '../doctor/diagnose.js';
import type { Diagnosis, MethodDiagnosis, SystemReport } from '../doctor/schema.js';
import { type RestrictionName, restrictionNames } from '../linux/restrictions.js';

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

function restrictions(text: string): RestrictionName[] {
  return text.split(',').map((name) => {
    const found = restrictionNames.find((known) => known === name);
    if (found === undefined)
      throw new InvalidArgumentError(`Restrictions are ${restrictionNames.join(', ')}.`);
    return found;
  });
}

function asText({ under, methods, system }: Diagnosis): string {
  const heading = under.length === 0 ? 'This system' : `This system under ${under.join(', ')}`;
  const rows = Object.entries(methods).map(([name, method]) => methodLines(name, method).join('\n'));
  return [`${heading} allows these ways of making code:`, ...rows, systemText(system)].join('\n\n');
}

function methodLines(name: string, method: MethodDiagnosis): string[] {
  if (method.works) return [`  ${name.padEnd(10)}works`];
  const { syscall, errno, refusedBy, fix, inferred, message } = method;
  const refused = syscall === null ? '' : ` (${syscall}${errno === null ? '' : `: ${errno}`})`;
  const lines = [`  ${name.padEnd(10)}refused by ${refusedBy}${inferred ? ', inferred' : ''}${refused}`];
  const detail = (title: string, text: string) => lines.push(`            ${title} ${text}`);
  if (fix !== null) detail('to allow it:', fix);
  if (syscall === null) detail('it says:', message);
  return lines;
}

function systemText(system: SystemReport): string {
  const yes = (flag: boolean) => (flag ? 'yes' : 'no');
  const rows: [string, string][] = [
    ['kernel', `${system.kernel}, ${system.architecture}, pages of ${system.pageSize} bytes`],
    ['Node', `${system.node}${system.nodeNeedsJitless ? ', which needs --jitless here' : ''}`],
    ['MDWE', `${yes(system.mdwe)}; seccomp: ${system.seccomp}; SELinux: ${system.selinux}`],
    ['lockdown', `${system.lockdown ?? 'absent'}; vm.memfd_noexec: ${system.memfdNoexec ?? 'absent'}`],
    ['temporary', folder(system.temporaryFolder)],
    ['package', folder(system.packageFolder)],
    ['mseal', `${yes(system.features.mseal)}; MFD_NOEXEC_SEAL: ${yes(system.features.memfdNoexecSeal)}`],
    ['seccomp', `notifications: ${yes(system.features.seccompNotification)}`],
    ['ptrace', `Yama: ${system.yama ?? 'absent'}; PROCMAP_QUERY: ${yes(system.features.procmapQuery)}`],
    ['namespaces', `user namespaces: ${yes(system.features.userNamespaces)}`],
    ['processor', `landing pads: ${yes(system.landingPads)}; shadow stacks: ${yes(system.shadowStacks)}`],
  ];
  return rows.map(([name, text]) => `  ${name.padEnd(12)}${text}`).join('\n');
}

function folder({ path, mount, noexec }: SystemReport['temporaryFolder']): string {
  return `${path} on ${mount}${noexec ? ', noexec' : ''}`;
}

function asMatrix(diagnoses: readonly Diagnosis[]): string {
  const names = Object.keys(diagnoses[0]!.methods) as (keyof Diagnosis['methods'])[];
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const cell = (method: MethodDiagnosis) =>
    method.works ? 'works' : `${method.refusedBy}${method.inferred ? ' (inferred)' : ''}`;
  return [
    row(['under', ...names]),
    row(['---', ...names.map(() => '---')]),
    ...diagnoses.map(({ under, methods }) =>
      row([
        under.length === 0 ? 'nothing' : under.map((name) => `\`${name}\``).join(', '),
        ...names.map((name) => cell(methods[name])),
      ]),
    ),
  ].join('\n');
}
