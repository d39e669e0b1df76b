/**
 * What a supervisor costs: its answers beside those of a small one in C, invocations of its objects, and what
 * programs that ask it nothing notice.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hasTool } from '../scripts/tools.js';
import {
  type Absent,
  type Contender,
  type Figure,
  prove,
  type Row,
  type Subject,
  type Tell,
  takeTurns,
} from './harness.js';
import { missingSupervisor, program, root, second, sumOf, third } from './native.js';
import { Client } from './supervised-client.js';

const trampfdRun = [join(root, 'dist/bundle/trampfd.js'), 'run', '--'];
const objectProgram = fileURLToPath(new URL('supervised-object.js', import.meta.url));

/** What is asked of a supervisor, how often in a round, and what the client's calls then sum up to. */
const actions = [
  { name: 'create', title: 'trampfd_create + close', count: 200, sum: second + third },
  { name: 'set', title: 'two registers set', count: 200, sum: sumOf(200) },
  { name: 'map', title: 'map, a call, unmap', count: 100, sum: sumOf(100) },
  { name: 'live', title: 'create, set, map, a call, unmap, close', count: 100, sum: sumOf(100) },
] as const;
const slow = { name: 'slow', title: 'a slow invocation, by ptrace', count: 200, sum: sumOf(200) } as const;
const rounds = 61;

/** Programs that make no such calls, as commands of the shell, with how often one is run in a round. */
export const otherPrograms = [
  { name: 'git', command: `git -C '${root}' log -p >/dev/null`, times: 1 },
  { name: 'gcc', command: `gcc -O2 -c -o /dev/null '${join(root, 'bench/native/client.c')}'`, times: 1 },
  { name: 'python3', command: "python3 -c 'print(sum(range(10 ** 6)))' >/dev/null", times: 1 },
] as const;
/** As many as it takes to tell a hundredth from noise. */
const programRounds = 201;

const groups = {
  true: 'A command that does nothing',
  program: 'A program that makes no such calls',
} as const;

export const supervised: Subject = { name: 'supervised', title: 'Under a supervisor', measure };

function measure(tell: Tell): Row[] {
  const share =
    (part: number): Tell =>
    (done) =>
      tell((part + done) / 4);
  const ours = new Client(trampfdRun);
  const noRival = missingSupervisor();
  const theirs = noRival === undefined ? [new Client([program('minimal-supervisor')])] : [];
  const alone = new Client([]);
  try {
    const calls = takeTurns(callContenders(ours, theirs), { rounds, warmUp: 10 }, share(0));
    const invocations = JSON.parse(
      execFileSync(trampfdRun[0]!, [...trampfdRun.slice(1), process.execPath, objectProgram], {
        encoding: 'utf8',
      }),
    ) as Figure[];
    const starts = takeTurns(startContenders(), { rounds }, share(1));
    // Only now: a traced program runs others more slowly.
    const bySlow = takeTurns([action(slow, ours, '')], { rounds }, share(2));
    const absent = actions.flatMap((given): Absent[] =>
      noRival === undefined ? [] : [{ ...named(given, '-c'), missing: noRival }],
    );
    return [...calls, ...absent, ...bySlow, ...invocations, ...starts, ...programs(alone, share(3))];
  } finally {
    for (const client of [ours, ...theirs, alone]) client.end();
  }
}

function callContenders(ours: Client, theirs: readonly Client[]): Contender[] {
  return actions.flatMap((given) => [
    action(given, ours, ''),
    ...theirs.map((client) => action(given, client, '-c')),
  ]);
}

function action(
  { name, title, count, sum }: (typeof actions)[number] | typeof slow,
  client: Client,
  by: '' | '-c',
): Contender {
  const round = (): number => {
    const done = client.do(name, count);
    prove(title, done.sum, sum);
    return done.nanoseconds / count;
  };
  return { ...named({ name, title }, by), unit: 'ns', round };
}

function named({ name, title }: { name: string; title: string }, by: '' | '-c') {
  const row = { id: `supervised.${name}${by}`, group: `Answered: ${title}` };
  return by === ''
    ? { ...row, title: 'trampfd run' }
    : { ...row, title: 'a minimal supervisor in C', by: 'C' };
}

/** From the shell's point of view: another process starts, and ends. */
function startContenders(): Contender[] {
  return [
    { id: 'supervised.true', title: 'trampfd run -- true', command: [...trampfdRun, 'true'] },
    { id: 'supervised.true-alone', title: 'true', by: 'machine', command: ['true'] },
  ].map(({ command: [file, ...args], title, ...row }) => {
    const round = (): number => {
      const start = process.hrtime.bigint();
      const { status } = spawnSync(file!, args, { stdio: 'ignore' });
      const time = Number(process.hrtime.bigint() - start) / 1e6;
      prove(title, status ?? -1, 0);
      return time;
    };
    return { ...row, title, group: groups.true, unit: 'ms', round };
  });
}

/** The same client runs them, with a supervisor and without; its own start does not count. */
function programs(alone: Client, tell: Tell): Row[] {
  const client = new Client(trampfdRun);
  const [there, missing] = [otherPrograms.filter(isThere), otherPrograms.filter((one) => !isThere(one))];
  const contenders = there.flatMap(({ name, command, times }) =>
    [
      { client, id: `supervised.${name}`, title: `${name}, supervised` },
      { client: alone, id: `supervised.${name}-alone`, title: `${name}, alone`, by: 'machine' },
    ].map(({ client, title, ...row }): Contender => {
      const round = (): number => {
        const { sum, nanoseconds } = client.do('other', times, `${command}\n`);
        prove(title, sum, BigInt(times));
        return nanoseconds / times / 1e6;
      };
      return { ...row, title, group: `${groups.program}: ${name}`, unit: 'ms', round };
    }),
  );
  const figures = takeTurns(contenders, { rounds: programRounds }, tell);
  client.end();
  const absent = missing.map(
    ({ name }): Absent => ({
      id: `supervised.${name}`,
      title: name,
      group: `${groups.program}: ${name}`,
      missing: `needs ${name}`,
    }),
  );
  return [...figures, ...absent];
}

function isThere({ name }: { name: string }): boolean {
  return hasTool(name);
}
