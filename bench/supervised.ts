/**
 * Cost of a supervisor: system calls, compared with a minimal supervisor in C, invocations of objects, and the slowdown
 * of programs that never call trampfd_create.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hasTool } from '../scripts/ensure-tools.js';
import {
  assertResult,
  type Contender,
  type Figure,
  type OnProgress,
  type Row,
  runInterleaved,
  type Subject,
  type Unavailable,
} from './harness.js';
import { missingSupervisor, program, second, sumOf, third } from './native.js';
import { root } from './paths.js';
import { Client } from './supervised-client.js';
import { otherPrograms } from './variants.js';

const trampfdRun = [join(root, 'dist/bundle/trampfd.js'), 'run', '--'];
const objectProgram = fileURLToPath(new URL('supervised.child.js', import.meta.url));

/** Actions of the client, with their number in a round and the sum of the results. */
const actions = [
  { name: 'create', title: 'trampfd_create + close', count: 200, sum: second + third },
  { name: 'set', title: 'two registers set', count: 200, sum: sumOf(200) },
  { name: 'map', title: 'map, a call, unmap', count: 100, sum: sumOf(100) },
  { name: 'live', title: 'create, set, map, a call, unmap, close', count: 100, sum: sumOf(100) },
] as const;
const slow = { name: 'slow', title: 'a slow invocation, by ptrace', count: 200, sum: sumOf(200) } as const;
const rounds = 61;

/** Enough to distinguish a difference of 1 % from noise. */
const programRounds = 201;

const groups = {
  true: 'The command true',
  program: 'A program without such calls',
} as const;

export const supervised: Subject = { name: 'supervised', title: 'Under a supervisor', measure };

function measure(onProgress: OnProgress): Row[] {
  const share =
    (part: number): OnProgress =>
    (done) =>
      onProgress((part + done) / 4);
  const own = new Client(trampfdRun);
  const noRival = missingSupervisor();
  const rivals = noRival === undefined ? [new Client([program('minimal-supervisor')])] : [];
  const alone = new Client([]);
  try {
    const calls = runInterleaved(callContenders(own, rivals), { rounds, warmUp: 10 }, share(0));
    const invocations = JSON.parse(
      execFileSync(trampfdRun[0]!, [...trampfdRun.slice(1), process.execPath, objectProgram], {
        encoding: 'utf8',
      }),
    ) as Figure[];
    const starts = runInterleaved(startContenders(), { rounds }, share(1));
    // Last, since a traced program slows down others.
    const bySlow = runInterleaved([action(slow, own, '')], { rounds }, share(2));
    const unavailable = actions.flatMap((spec): Unavailable[] =>
      noRival === undefined ? [] : [{ ...rowOf(spec, '-c'), missing: noRival }],
    );
    return [...calls, ...unavailable, ...bySlow, ...invocations, ...starts, ...programs(alone, share(3))];
  } finally {
    for (const client of [own, ...rivals, alone]) client.close();
  }
}

function callContenders(own: Client, rivals: readonly Client[]): Contender[] {
  return actions.flatMap((spec) => [
    action(spec, own, ''),
    ...rivals.map((client) => action(spec, client, '-c')),
  ]);
}

function action(
  { name, title, count, sum }: (typeof actions)[number] | typeof slow,
  client: Client,
  suffix: '' | '-c',
): Contender {
  const round = (): number => {
    const result = client.run(name, count);
    assertResult(title, result.sum, sum);
    return result.nanoseconds / count;
  };
  return { ...rowOf({ name, title }, suffix), unit: 'ns', round };
}

function rowOf({ name, title }: { name: string; title: string }, suffix: '' | '-c') {
  const row = { id: `supervised.${name}${suffix}`, group: `System calls: ${title}` };
  return suffix === ''
    ? { ...row, title: 'trampfd run' }
    : { ...row, title: 'a minimal supervisor in C', vendor: 'C' };
}

/** Returns the times from the start of a process to its end. */
function startContenders(): Contender[] {
  return [
    { id: 'supervised.true', title: 'trampfd run -- true', command: [...trampfdRun, 'true'] },
    { id: 'supervised.true-alone', title: 'true', vendor: 'machine', command: ['true'] },
  ].map(({ command: [file, ...args], title, ...row }) => {
    const round = (): number => {
      const start = process.hrtime.bigint();
      const { status } = spawnSync(file!, args, { stdio: 'ignore' });
      const time = Number(process.hrtime.bigint() - start) / 1e6;
      assertResult(title, status ?? -1, 0);
      return time;
    };
    return { ...row, title, group: groups.true, unit: 'ms', round };
  });
}

/** Runs programs from a client with a supervisor and from one without; the start of the client is not measured. */
function programs(alone: Client, onProgress: OnProgress): Row[] {
  const client = new Client(trampfdRun);
  const installed = otherPrograms.filter(({ name }) => hasTool(name));
  const missing = otherPrograms.filter((program) => !installed.includes(program));
  const contenders = installed.flatMap(({ name, command, times }) =>
    [
      { client, id: `supervised.${name}`, title: `${name}, supervised` },
      { client: alone, id: `supervised.${name}-alone`, title: `${name}, alone`, vendor: 'machine' },
    ].map(({ client, title, ...row }): Contender => {
      const round = (): number => {
        const { sum, nanoseconds } = client.run('other', times, `${command}\n`);
        assertResult(title, sum, BigInt(times));
        return nanoseconds / times / 1e6;
      };
      return { ...row, title, group: `${groups.program}: ${name}`, unit: 'ms', round };
    }),
  );
  const figures = runInterleaved(contenders, { rounds: programRounds }, onProgress);
  client.close();
  const unavailable = missing.map(
    ({ name }): Unavailable => ({
      id: `supervised.${name}`,
      title: name,
      group: `${groups.program}: ${name}`,
      missing: `needs ${name}`,
    }),
  );
  return [...figures, ...unavailable];
}
